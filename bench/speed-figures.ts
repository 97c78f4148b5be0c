import { medianSorted } from 'simple-statistics';
import { markdownTable } from './markdown-section';
import type { ClientFigures, SpeedRound, SpeedSetting } from './speed-run';

export interface MeasuredSetting {
  readonly setting: SpeedSetting;
  readonly rounds: SpeedRound[];
  readonly date: string;
  readonly cpu: string;
}

/** Medians over the rounds, with the lowest and the highest where it matters. */
export function speedTable(measured: readonly MeasuredSetting[]): string {
  const rows = [...measured]
    .sort((a, b) => a.setting.inFlight - b.setting.inFlight)
    .flatMap(({ setting, rounds }) => {
      const line = (client: string, figures: readonly ClientFigures[], ratio: string, cpu: string): string[] => [
        `${setting.inFlight}, ${client}`, spread(figures.map(({ perSecond }) => perSecond), 0), ratio, cpu,
        `${median(figures.map(({ wallSeconds }) => wallSeconds)).toFixed(1)} s`, `${(Math.max(...figures.map(({ peakRssBytes }) => peakRssBytes)) / 2 ** 20).toFixed(0)} MiB`,
      ];
      const rehearse = rounds.map((round) => round.rehearse);
      const bare = rounds.map((round) => round.bare);
      const peers = [...new Set(rounds.flatMap((round) => round.peers.map(({ name }) => name)))].map((name) => {
        const results = rounds.flatMap((round) => round.peers.filter((peer) => peer.name === name));
        const figures = results.flatMap((result) => result.figures ?? []);
        const cpu = figures.length === 0 ? '' : median(figures.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2);
        const ratio = figures.length === 0 ? '' : (median(figures.map(({ perSecond }) => perSecond)) / median(bare.map(({ perSecond }) => perSecond))).toFixed(2);
        return figures.length === 0 ? [`${setting.inFlight}, ${name}`, 'failed', '', '', '', ''] : line(name, figures, ratio, cpu);
      });
      return [
        line('bare loop', bare, '1', median(bare.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2)),
        line(
          `Rehearse, ${setting.llmWorkers} llm worker${setting.llmWorkers === 1 ? '' : 's'}`, rehearse,
          spread(rounds.map((round) => round.rehearse.perSecond / round.bare.perSecond), 2),
          `${median(rehearse.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2)} (llm ${median(rounds.map(({ llmCpuSeconds }) => llmCpuSeconds)).toFixed(2)})`,
        ),
        ...peers,
      ];
    });
  const [first] = measured;
  const notes = measured.map(({ setting, rounds }) => `${setting.inFlight}: ${rounds.length} rounds of ${rounds[0]?.rehearse.requests ?? 0} requests`).join('; ');
  return `${first?.date}, ${first?.cpu}, ${first?.setting.latencyMs} ms; ${notes}. Medians, lowest and highest in brackets.\n\n${markdownTable(
    ['calls in flight', 'requests/s', 'of the bare loop', 'CPU s per 1,000 calls', 'wall with start', 'peak RSS'], rows,
  )}`;
}

/** What each peer paid again after `kill -9`; undefined when none was killed. */
export function killTable(measured: readonly MeasuredSetting[]): string | undefined {
  const rows = measured.flatMap(({ setting, rounds }) =>
    rounds.flatMap(({ peers }) =>
      peers.flatMap(({ name, kill }) => (kill === undefined ? [] : [[`${setting.inFlight}, ${name}`, String(kill.answered), kill.repaid === null ? 'the second start did not end' : String(kill.repaid)]])),
    ),
  );
  return rows.length === 0 ? undefined : markdownTable(['calls in flight', 'answered before the kill', 'paid again'], rows);
}

function spread(values: readonly number[], digits: number): string {
  return `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}-${Math.max(...values).toFixed(digits)})`;
}

function median(values: readonly number[]): number {
  return medianSorted([...values].sort((a, b) => a - b));
}
