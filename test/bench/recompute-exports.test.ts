import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recomputeExports, type ExportFiles } from '../../bench/recompute-exports';
import { useTempFolder } from '../support/temp-folder';

const temp = useTempFolder();

type Rows = Record<keyof ExportFiles, Record<string, unknown>[]>;

/** One instruction with two whole responses and a cut one, which has the best scores. */
function exported(change: (rows: Rows) => void = () => undefined): ExportFiles {
  const messages = [
    { role: 'user', content: 'Why?' },
    { role: 'assistant', content: 'Better.' },
  ];
  const scored = (responseId: string, a: number, b: number) => [
    { responseId, judge: 'a', score: a },
    { responseId, judge: 'b', score: b },
  ];
  const response = (id: string, text: string, finishReason: string) => ({ id, instructionId: 'i1', text, finishReason });
  const rows: Rows = {
    instructions: [{ id: 'i1', text: 'Why?' }],
    responses: [response('r1', 'So.', 'stop'), response('r2', 'Better.', 'stop'), response('r3', 'Cut', 'length')],
    judgments: [...scored('r1', 3, 4), ...scored('r2', 4, 4.5), ...scored('r3', 5, 5)],
    replay: [
      {
        instructionId: 'i1',
        responseId: 'r2',
        instruction: 'Why?',
        response: 'Better.',
        meanScore: 4.25,
        scores: { a: 4, b: 4.5 },
        messages,
      },
    ],
    mixture: [
      { source: 'replay', messages },
      { source: 'new', messages: [] },
    ],
  };
  change(rows);
  return Object.fromEntries(
    Object.entries(rows).map(([stage, lines]) => {
      const file = join(temp(), `${stage}.jsonl`);
      writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      return [stage, file];
    }),
  ) as unknown as ExportFiles;
}

test('the winner of every instruction is found again in the exports', async () => {
  expect(await recomputeExports(exported())).toEqual({ rows: 1, problems: [] });
});

test.each<[string, (rows: Rows) => void, RegExp]>([
  [
    'a worse response',
    ({ replay }) => Object.assign(replay[0]!, { responseId: 'r1', response: 'So.' }),
    /has the mean 3.5, the best is 4.25/,
  ],
  ['a cut response beside whole ones', ({ replay }) => Object.assign(replay[0]!, { responseId: 'r3' }), /no response that could win/],
  ['another mean', ({ replay }) => Object.assign(replay[0]!, { meanScore: 5 }), /says 5, its scores 4.25/],
  ['another score', ({ judgments }) => Object.assign(judgments[2]!, { score: 4.2 }), /other scores than its judgments/],
  ['another text', ({ replay }) => Object.assign(replay[0]!, { response: 'So.' }), /other texts/],
  ['a row of nobody in the mixture', ({ mixture }) => mixture.push({ source: 'replay', messages: ['x'] }), /a replay row of its own/],
])('%s is told', async (_, change, problem) => {
  expect((await recomputeExports(exported(change))).problems.join('; ')).toMatch(problem);
});
