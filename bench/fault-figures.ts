import prettyBytes from 'pretty-bytes';
import { compareRuns } from './kill-figures';
import type { KillRunResult } from './kill-run';
import { markdownTable } from './markdown-section';
import type { SampledFigures } from './sampler';

/** One run of the fault mix. */
export interface FaultRun extends KillRunResult {
  readonly name: string;
  readonly sampled: SampledFigures;
  /** Items that the run is to account for: instructions, responses to each, judgments of each response. */
  readonly expected: { readonly instructions: number; readonly candidates: number; readonly judges: number };
}

/** Memory of the last third of a run beside the first: V8's heap grows to its working size in the first minute, whatever is done. */
const MOST_GROWTH_BYTES = 250e6;

/** What of the runs is not as it must be; empty where all is. The first is the undisturbed one. */
export function faultProblems(runs: readonly FaultRun[], instructions: number): string[] {
  const [undisturbed, ...others] = runs;
  if (undisturbed === undefined) return [];
  return [
    ...runs.flatMap((run) => [...countProblems(run), ...memoryProblems(run)].map((problem) => `${run.name}: ${problem}`)),
    ...others.flatMap((run) => compareRuns(undisturbed, run, cutInFlight(run)).problems.map((problem) => `${run.name}: ${problem}`)),
    ...others.flatMap((run) => (run.endpoint.upset === 0 ? [`${run.name}: no fault came`] : [])),
    ...(undisturbed.expected.instructions === instructions ? [] : ['the spec has other instructions than were asked for']),
  ];
}

/** Each item has its row or its failure, and each token that the endpoint billed for a kept reply is counted once. */
function countProblems({ store, endpoint, repaid, expected: { instructions, candidates, judges } }: FaultRun): string[] {
  const of = (stage: string) => store.stages[stage] ?? { rows: 0, failures: 0, promptTokens: 0, completionTokens: 0, timeouts: 0 };
  const sums: [stage: string, found: number, wanted: number][] = [
    ['extract', of('extract').rows + of('extract').failures, instructions],
    ['respond', of('respond').rows + of('respond').failures, of('extract').rows * candidates],
    ['judge', of('judge').rows, of('respond').rows * judges],
  ];
  const tokens = ['extract', 'respond', 'judge'].reduce((sum, stage) => sum + of(stage).promptTokens + of(stage).completionTokens, 0);
  const billed = endpoint.promptTokens + endpoint.completionTokens;
  return [
    ...sums
      .filter(([, found, wanted]) => found !== wanted)
      .map(([stage, found, wanted]) => `${stage} accounts for ${found} of ${wanted} items`),
    // What is paid again is billed again, and kept once.
    ...(repaid === 0 && tokens !== billed ? [`${tokens} tokens are counted, and ${billed} were billed`] : []),
    ...(tokens > billed ? [`${tokens} tokens are counted, more than the ${billed} that were billed`] : []),
  ];
}

/** Calls that the client's timeout ended, beside those of faults that wait for it: on a machine that is too busy to answer in time. */
function cutInFlight({ store, endpoint }: FaultRun): number {
  const timeouts = Object.values(store.stages).reduce((sum, stage) => sum + stage.timeouts, 0);
  return Math.max(0, timeouts - (endpoint.faults['no answer'] ?? 0) - (endpoint.faults['a body that stands still'] ?? 0));
}

function memoryProblems({ sampled }: FaultRun): string[] {
  return Object.entries(sampled.memory)
    .filter(([name, { firstThirdBytes, lastThirdBytes }]) => name.startsWith('llm') && lastThirdBytes - firstThirdBytes > MOST_GROWTH_BYTES)
    .map(
      ([name, { firstThirdBytes, lastThirdBytes }]) =>
        `memory of ${name} grew from ${prettyBytes(firstThirdBytes)} to ${prettyBytes(lastThirdBytes)}`,
    );
}

/** One column a run. */
export function faultTable(runs: readonly FaultRun[], instructions: number): string {
  const row = (title: string, cell: (run: FaultRun) => string): string[] => [title, ...runs.map(cell)];
  const number = (value: number): string => value.toLocaleString('en-US');
  const memory = (name: string): string[] =>
    row(`RSS of ${name}: first → last third`, ({ sampled }) => {
      const { firstThirdBytes = 0, lastThirdBytes = 0 } = sampled.memory[name] ?? {};
      return `${prettyBytes(firstThirdBytes)} → ${prettyBytes(lastThirdBytes)}`;
    });
  const failures = ({ store }: FaultRun): number => Object.values(store.stages).reduce((sum, stage) => sum + stage.failures, 0);
  const kinds = Object.keys(runs.at(-1)?.endpoint.faults ?? {});
  return [
    `${number(instructions)} instructions, nine responses and 27 judgments each:`,
    '',
    markdownTable(
      ['', ...runs.map(({ name }) => name)],
      [
        row('requests that were answered', ({ requests, repaid }) => number(requests - repaid)),
        row(
          'requests to the endpoint with the faults; of them to a fault',
          ({ endpoint }) => `${number(endpoint.plain)}; ${number(endpoint.upset)}`,
        ),
        row('requests that a dialect refused for a field', ({ endpoint }) => number(endpoint.refused)),
        row('calls that a timeout ended in flight', (run) => number(cutInFlight(run))),
        row('requests that were made again although they had arrived whole', ({ repaid }) => number(repaid)),
        row('items lost', (run) => number(failures(run))),
        row('stage outputs with the rows of the undisturbed run', (run) => {
          const { equal, outputs } = compareRuns(runs[0]!, run);
          return `${equal} of ${outputs}`;
        }),
        row('time', ({ seconds }) => `${seconds.toFixed(0)} s`),
        memory('llm-1'),
        memory('llm-2'),
      ],
    ),
    '',
    `Faults of ${kinds.length} kinds: ${kinds.join(', ')}.`,
  ].join('\n');
}
