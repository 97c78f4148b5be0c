import { instructionIndex } from '../../method/ids';
import { MethodError } from '../../method/method-error';
import type { RowProblem } from './data-rows';
import { lineRows } from './placed-rows';

/** A row that is left out of every mixture, and why. */
export interface ExcludedRow {
  readonly id: string;
  readonly reason: string;
}

const NEW_CONVERSATION = /^n[0-9.]*\d{7}$/;
const EXPECTED_ID = 'an instruction\'s id such as "i0000042", or a new conversation\'s such as "n0000007"';

/** What is wrong with a line of `mix.exclude`; null for a line that may stand there. @param instructions how many the spec asks for */
export function excludedRowProblem(row: unknown, instructions: number): RowProblem | null {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    return { path: 'the line', value: shown(row), expected: '{"id": …, "reason": …}' };
  }
  const { id: given, reason } = row as Record<string, unknown>;
  const id = typeof given === 'string' ? sourceId(given) : given;
  if (typeof id !== 'string' || !canBeExcluded(id)) {
    return { path: 'id', value: shown(given), expected: EXPECTED_ID };
  }
  if (isInstruction(id) && instructionIndex(id) >= instructions) {
    return { path: 'id', value: shown(given), expected: `one of the spec's ${instructions} instructions` };
  }
  return reason === undefined || typeof reason === 'string' ? null : { path: 'reason', value: shown(reason), expected: 'a text' };
}

/**
 * The rows that a file of flags names, by id, each once; the last reason of an id counts.
 * @throws MethodError on a line that is none; the file system's error
 */
export async function readExcludedRows(path: string, instructions: number): Promise<ExcludedRow[]> {
  const rows = new Map<string, string>();
  for await (const { place, row, problem: unread } of lineRows(path)) {
    const problem = unread === undefined ? excludedRowProblem(row, instructions) : null;
    if (unread !== undefined) throw new MethodError(`${path}: ${place}: ${unread}; fix that line`);
    if (problem !== null) {
      throw new MethodError(`${path}: ${place}: ${problem.path} is ${problem.value} where ${problem.expected} belongs; fix that line`);
    }
    const { id, reason } = row as { id: string; reason?: string };
    rows.set(sourceId(id), reason ?? '');
  }
  return [...rows].map(([id, reason]) => ({ id, reason })).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** A row of a mixture is called `m0000007:replay:i0000042`; its last part is what it was before it was mixed. */
export function sourceId(id: string): string {
  return id.replace(/^m\d{7}:(?:replay|new):/, '');
}

/** Whether it is an id of a row that mixtures can leave out; rows of a public set have ids of its own, and none can. */
export function canBeExcluded(id: string): boolean {
  return isInstruction(id) || NEW_CONVERSATION.test(id);
}

function isInstruction(id: string): boolean {
  return /^[ip]\d{7}$/.test(id); // of an extraction, or a prompt of own answers
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
