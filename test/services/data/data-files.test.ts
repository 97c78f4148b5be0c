import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConversationSchema } from '../../../config/replay-sets';
import type { LeaderboardTask } from '../../../method/forgetting';
import { conversationOf } from '../../../services/data/conversation-rows';
import { DataFileError } from '../../../services/data/data-file-error';
import { evaluationRowProblem } from '../../../services/data/evaluation-rows';
import { lineRows } from '../../../services/data/placed-rows';
import { projectDir } from '../../../services/local/paths';
import { useTempFolder } from '../../support/temp-folder';

/** Entry of test/data/data-files.json, which python/tests/test_data_files.py reads too: one set of files, one verdict of both readers. */
interface SharedFile {
  readonly name: string;
  /** How a row holds its conversation, or whose rows they are. */
  readonly kind: ConversationSchema['kind'] | LeaderboardTask;
  readonly text?: string;
  readonly base64?: string;
  /** What is right: so many good rows; or the first bad line; or no file of text at all. */
  readonly rows?: number;
  readonly line?: number;
  readonly file?: true;
}

const FILES = JSON.parse(readFileSync(join(projectDir(), 'test', 'data', 'data-files.json'), 'utf8')) as readonly SharedFile[];

const SCHEMAS: Readonly<Record<ConversationSchema['kind'], ConversationSchema>> = {
  messages: { kind: 'messages', column: 'messages' },
  sharegpt: { kind: 'sharegpt', column: 'conversations' },
  alpaca: { kind: 'alpaca' },
  'prompt-completion': { kind: 'prompt-completion' },
};

const folder = useTempFolder();

function isBad(kind: SharedFile['kind'], row: unknown): boolean {
  if (!Object.hasOwn(SCHEMAS, kind)) return evaluationRowProblem(kind as LeaderboardTask, row) !== null;
  return conversationOf(row, SCHEMAS[kind as ConversationSchema['kind']]).problem !== undefined;
}

test('the set has some hundred files, each by a name of its own', () => {
  expect(FILES.length).toBeGreaterThan(100);
  expect(new Set(FILES.map(({ name }) => name)).size).toBe(FILES.length);
});

test.each(FILES.map((file) => [file.name, file] as const))('%s', async (_name, { kind, text, base64, rows, line, file }) => {
  const path = join(folder(), 'data.jsonl');
  writeFileSync(path, base64 === undefined ? text! : Buffer.from(base64, 'base64'));
  expect(await verdictOf(path, kind)).toEqual(file === true ? { file } : line === undefined ? { rows } : { line });
});

/** What the reader says of a file, as an entry says what is right. */
async function verdictOf(path: string, kind: SharedFile['kind']): Promise<Pick<SharedFile, 'rows' | 'line' | 'file'>> {
  let rows = 0;
  let line: number | undefined;
  try {
    for await (const { number, row, problem } of lineRows(path)) {
      if (problem !== undefined || isBad(kind, row)) line ??= number;
      else rows++;
    }
  } catch (error) {
    // One sentence, with the way out.
    if (error instanceof DataFileError && /^\S+data\.jsonl: [^\n]+; [^\n]+$/.test(error.message)) return { file: true };
    throw error;
  }
  return line === undefined ? { rows } : { line };
}
