import { markdownTable } from './markdown-section';
import type { ClientFigures, SpeedRound, SpeedSetting } from './speed-run';
import { median, spread } from './spread';

export interface MeasuredSetting {
  readonly setting: SpeedSetting;
  readonly rounds: SpeedRound[];
  readonly date: string;
  /** Its processors, and the Node that ran everything. */
  readonly machine: string;
}

/** Medians over the rounds, with the lowest and the highest where it matters. */
export function speedTable(measured: readonly MeasuredSetting[]): string {
  const rows = [...measured]
    .sort((a, b) => a.setting.inFlight - b.setting.inFlight)
    .flatMap(({ setting, rounds }) => {
      const line = (client: string, figures: readonly ClientFigures[], ratio: string, cpu: string): string[] => [
        `${setting.inFlight}, ${client}`,
        spread(
          figures.map(({ perSecond }) => perSecond),
          0,
        ),
        ratio,
        cpu,
        `${median(figures.map(({ wallSeconds }) => wallSeconds)).toFixed(1)} s`,
        `${(Math.max(...figures.map(({ peakRssBytes }) => peakRssBytes)) / 2 ** 20).toFixed(0)} MiB`,
      ];
      const rehearse = rounds.map((round) => round.rehearse);
      const bare = rounds.map((round) => round.bare);
      return [
        line('bare loop', bare, '1', median(bare.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2)),
        line(
          `Rehearse, ${setting.llmWorkers} llm worker${setting.llmWorkers === 1 ? '' : 's'}`,
          rehearse,
          spread(
            rounds.map((round) => round.rehearse.perSecond / round.bare.perSecond),
            2,
          ),
          `${median(rehearse.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2)} (llm ${median(rounds.map(({ llmCpuSeconds }) => llmCpuSeconds)).toFixed(2)})`,
        ),
      ];
    });
  const [first] = measured;
  const notes = measured
    .map(({ setting, rounds }) => `${setting.inFlight}: ${rounds.length} rounds of ${rounds[0]?.rehearse.requests ?? 0} requests`)
    .join('; ');
  return `${first?.date}, ${first?.machine}, ${first?.setting.latencyMs} ms; ${notes}. Medians, lowest and highest in brackets.\n\n${markdownTable(
    ['calls in flight', 'requests/s', 'of the bare loop', 'CPU s per 1,000 calls', 'wall with start', 'peak RSS'],
    rows,
  )}`;
}
