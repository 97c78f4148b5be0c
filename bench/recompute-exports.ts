import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';

/** What `rehearse export` wrote of one run: a file of JSON lines for each stage. */
export interface ExportFiles {
  readonly instructions: string;
  readonly responses: string;
  readonly judgments: string;
  readonly replay: string;
  readonly mixture: string;
}

type Row = Readonly<Record<string, unknown>>;

/** Scores are sums of numbers that were printed whole. */
const TOLERANCE = 1e-9;

/**
 * Chooses every row of the replay set once more from a run's exported files alone, sharing no code with the selection, and looks for it in the
 * mixture. For runs with `synthesis.select.truncated: last`.
 * @returns how many rows, and a sentence for each thing that does not hold
 */
export async function recomputeExports(files: ExportFiles): Promise<{ readonly rows: number; readonly problems: readonly string[] }> {
  const [instructions, responses, judgments, replay, mixture] = await Promise.all(
    [files.instructions, files.responses, files.judgments, files.replay, files.mixture].map(readRows),
  );
  const problems: string[] = [];
  const texts = new Map(instructions!.map((row) => [row['id'], row]));
  const scores = new Map<unknown, Record<string, number>>();
  for (const { responseId, judge, score } of judgments!) {
    if (typeof score === 'number') scores.set(responseId, { ...scores.get(responseId), [String(judge)]: score });
  }
  const mixed = new Set(mixture!.filter(({ source }) => source === 'replay').map(({ messages }) => JSON.stringify(messages)));
  for (const row of replay!) {
    const named = `the row of ${String(row['instructionId'])}`;
    const instruction = texts.get(row['instructionId']);
    const candidates = responses!.filter(({ instructionId, id }) => instructionId === row['instructionId'] && scores.has(id));
    const whole = candidates.filter(({ finishReason }) => finishReason !== 'length');
    const meansOf = (those: readonly Row[]): number[] => those.map(({ id }) => mean(scores.get(id) ?? {}));
    const best = Math.max(...meansOf(whole.length > 0 ? whole : candidates));
    const winner = (whole.length > 0 ? whole : candidates).find(({ id }) => id === row['responseId']);
    if (instruction === undefined || winner === undefined) {
      problems.push(`${named} is of no instruction or of no response that could win`);
      continue;
    }
    const own = scores.get(winner['id']) ?? {};
    if (Math.abs(mean(own) - best) > TOLERANCE) problems.push(`${named} has the mean ${mean(own)}, the best is ${best}`);
    if (Math.abs(Number(row['meanScore']) - mean(own)) > TOLERANCE) {
      problems.push(`${named} says ${String(row['meanScore'])}, its scores ${mean(own)}`);
    }
    if (!isDeepStrictEqual(row['scores'], own)) problems.push(`${named} has other scores than its judgments`);
    if (row['instruction'] !== instruction['text'] || row['response'] !== winner['text']) problems.push(`${named} has other texts`);
    mixed.delete(JSON.stringify(row['messages']));
  }
  for (const messages of mixed) problems.push(`the mixture has a replay row of its own: ${messages.slice(0, 80)}`);
  return { rows: replay!.length, problems };
}

function mean(scores: Readonly<Record<string, number>>): number {
  const values = Object.keys(scores)
    .sort()
    .map((judge) => scores[judge]!);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function readRows(file: string): Promise<Row[]> {
  return (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}
