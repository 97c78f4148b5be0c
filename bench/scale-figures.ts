import prettyBytes from 'pretty-bytes';
import type { EarlyCheck } from './check-early-judging';
import type { WinnerCheck } from './check-winners';
import type { HistoryFigures } from './histories';
import { markdownTable } from './markdown-section';
import type { CommandFigures } from './measured-command';
import type { SampledFigures } from './sampler';

/** All that was seen of one size. */
export interface ScaleFigures {
  readonly instructions: number;
  readonly llmWorkers: number;
  readonly sampled: SampledFigures;
  readonly histories: HistoryFigures;
  readonly winners: WinnerCheck;
  /** Absent in figures of before there was early judging. */
  readonly early?: readonly EarlyCheck[];
  readonly storeBytes: number;
  readonly storeFiles: number;
  readonly mixSeconds: number;
  readonly mixRows: number;
  readonly exportJudgments: CommandFigures;
  readonly report: CommandFigures;
  readonly date: string;
  readonly cpu: string;
}

/** One column a size. */
export function scaleTable(all: readonly ScaleFigures[]): string {
  const row = (name: string, cell: (figures: ScaleFigures) => string): string[] => [name, ...all.map(cell)];
  const memory = (name: string, title: string): string[] =>
    row(title, ({ sampled }) => {
      const { peakBytes, firstThirdBytes, lastThirdBytes } = sampled.memory[name] ?? {
        peakBytes: 0,
        firstThirdBytes: 0,
        lastThirdBytes: 0,
      };
      return `${megabytes(peakBytes)} (${megabytes(firstThirdBytes)} → ${megabytes(lastThirdBytes)})`;
    });
  const llmNames = [...new Set(all.flatMap(({ sampled }) => Object.keys(sampled.memory).filter((name) => name.startsWith('llm'))))].sort();
  const llmCpu = ({ sampled }: ScaleFigures): number => llmNames.reduce((sum, name) => sum + (sampled.memory[name]?.cpuSeconds ?? 0), 0);
  return markdownTable(
    ['instructions', ...all.map(({ instructions }) => count(instructions))],
    [
      row('requests', ({ sampled }) => count(sampled.requests)),
      row('of them paid twice', ({ sampled }) => count(sampled.repeated)),
      row('time of the synthesis', ({ sampled }) => duration(sampled.seconds)),
      row('seconds per 1,000 instructions', ({ sampled, instructions }) => (sampled.seconds / (instructions / 1000)).toFixed(1)),
      row('requests/s', ({ sampled }) => count(sampled.requests / sampled.seconds)),
      row('CPU s per 1,000 requests, llm workers', (figures) => (llmCpu(figures) / (figures.sampled.requests / 1000)).toFixed(2)),
      ...llmNames.map((name) => memory(name, `RSS of ${name}: peak (first third → last third)`)),
      memory('orchestration', 'RSS of the orchestration worker'),
      memory('cpu', 'RSS of the cpu worker, mixing included'),
      memory('temporal', 'RSS of the Temporal server'),
      row('store', ({ storeBytes, storeFiles }) => `${prettyBytes(storeBytes)} in ${count(storeFiles)} files`),
      row('store per instruction', ({ storeBytes, instructions }) => prettyBytes(storeBytes / instructions)),
      row('journals at their largest', ({ sampled }) => prettyBytes(sampled.journalPeakBytes)),
      row('Temporal database at its largest', ({ sampled }) => prettyBytes(sampled.databasePeakBytes)),
      row('workflows', ({ histories }) => count(histories.workflows)),
      row('longest history, events', ({ histories }) => count(histories.longest.events)),
      row('largest payload', ({ histories }) => prettyBytes(histories.largestPayload.bytes)),
      row('replay rows', ({ winners }) => count(winners.rows)),
      row('winners that the check chose too', ({ winners }) => count(winners.rows - winners.problems.length)),
      row('of them by the tie rule', ({ winners }) => count(winners.ties)),
      ...(['generators', 'prospects'] as const).flatMap((asking) => {
        const of = ({ early }: ScaleFigures): EarlyCheck | undefined => early?.find((each) => each.asking === asking);
        const shown = (figures: ScaleFigures): string => (of(figures) === undefined ? '-' : `${(100 * of(figures)!.shown).toFixed(1)} %`);
        return [
          row(`early judging, rounds: ${asking}: shown to the last judge`, shown),
          row('winners that would differ', (figures) => String(of(figures)?.differ ?? '-')),
        ];
      }),
      row('mixture: rows, time', ({ mixRows, mixSeconds }) => `${count(mixRows)}, ${duration(mixSeconds)}`),
      row(
        '`export --stage judgments`: time, peak RSS',
        ({ exportJudgments }) => `${duration(exportJudgments.seconds)}, ${megabytes(exportJudgments.peakRssBytes)}`,
      ),
      row('`report`: time, peak RSS', ({ report }) => `${duration(report.seconds)}, ${megabytes(report.peakRssBytes)}`),
    ],
  );
}

/** What a run has to keep; each broken one is a sentence. */
export function brokenPromises({ instructions, sampled, histories, winners, early = [] }: ScaleFigures): string[] {
  const broken: string[] = [];
  for (const { asking, differ } of early) if (differ > 0) broken.push(`${differ} winners differ with early judging, rounds: ${asking}`);
  if (winners.rows !== instructions) broken.push(`the replay set has ${winners.rows} rows, not ${instructions}`);
  broken.push(...winners.problems);
  if (sampled.sessions === 1 && sampled.repeated > 0) {
    broken.push(`${sampled.repeated} requests were paid twice although nothing was killed`);
  }
  if (histories.longest.events >= 10_000) broken.push(`${histories.longest.workflowId} has ${histories.longest.events} events`);
  if (histories.largestPayload.bytes >= 100_000) {
    broken.push(`a payload of ${histories.largestPayload.bytes} bytes: ${histories.largestPayload.where}`);
  }
  for (const [name, { peakBytes }] of Object.entries(sampled.memory)) {
    if (peakBytes >= 1e9) broken.push(`${name} took ${megabytes(peakBytes)} at its peak`);
  }
  return broken;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function megabytes(bytes: number): string {
  return `${count(bytes / 1e6)} MB`;
}

export function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
