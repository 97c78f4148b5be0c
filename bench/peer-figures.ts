import { BARE_LOOP } from './contenders';
import { markdownTable } from './markdown-section';
import type { MeasuredPeers, PeerResult } from './peer-results';
import { median, spread } from './spread';

/** What was measured, as two tables, of whole runs and of killed ones; a client that failed has a row that says how. */
export function peerTables({ settings, date, results }: MeasuredPeers): string {
  const { latencyMs, cpu } = settings;
  const runs = results.filter(({ what }) => what === 'run');
  const kills = results.filter(({ what }) => what === 'kill');
  const rounds = new Set(runs.map(({ round }) => round)).size;
  return [
    `${date}, ${cpu}, ${latencyMs} ms, ${rounds === 1 ? 'one round' : `${rounds} rounds: medians, lowest and highest in brackets`}.`,
    ...(runs.length === 0 ? [] : [runTable(runs)]),
    ...(kills.length === 0
      ? []
      : ['Killed with all its processes (`kill -9`) when six tenths were answered, and started again:', killTable(kills)]),
  ].join('\n\n');
}

function runTable(runs: readonly PeerResult[]): string {
  const rows = groups(runs).map(([setting, client, results]) => {
    const figures = results.flatMap((result) => result.figures ?? []);
    const name = `${setting.inFlight}, ${client}`;
    const prompts = setting.prompts.toLocaleString('en-US');
    if (figures.length === 0) return [name, prompts, firstLine(results[0]?.failed), '', '', '', ''];
    const bare = runs.flatMap((run) => (run.client === BARE_LOOP && isOf(run, setting) ? (run.figures ?? []) : []));
    const perSecond = figures.map((each) => each.perSecond);
    const failed = results.length - figures.length;
    return [
      name +
        (failed === 0
          ? ''
          : ` (${failed} of ${results.length} rounds failed: ${firstLine(results.find((result) => result.failed !== undefined)?.failed)})`),
      prompts,
      spread(perSecond, 0),
      bare.length === 0 ? '' : (median(perSecond) / median(bare.map((each) => each.perSecond))).toFixed(2),
      median(figures.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2),
      `${median(figures.map(({ wallSeconds }) => wallSeconds)).toFixed(1)} s`,
      `${(Math.max(...figures.map(({ peakRssBytes }) => peakRssBytes)) / 2 ** 20).toFixed(0)} MiB`,
    ];
  });
  return markdownTable(
    [
      'calls in flight, client',
      'judge prompts',
      'requests/s',
      'of the bare loop',
      'CPU s per 1,000 calls',
      'wall with start',
      'largest process',
    ],
    rows,
  );
}

function killTable(kills: readonly PeerResult[]): string {
  const rows = kills.map(({ inFlight, client, prompts, kill, failed }) => [
    `${inFlight}, ${client}`,
    ...(kill === undefined
      ? [firstLine(failed), '', '']
      : [
          `${kill.answered} of ${prompts}`,
          String(kill.repaid),
          kill.failed === undefined ? `${kill.resumeSeconds?.toFixed(1)} s` : firstLine(kill.failed),
        ]),
  ]);
  return markdownTable(['calls in flight, client', 'answered before the kill', 'paid again', 'second start'], rows);
}

type Setting = Pick<PeerResult, 'inFlight' | 'prompts'>;

function isOf(result: PeerResult, { inFlight, prompts }: Setting): boolean {
  return result.inFlight === inFlight && result.prompts === prompts;
}

/** Results by setting, then by client in the order in which they were measured. */
function groups(results: readonly PeerResult[]): [Setting, string, PeerResult[]][] {
  const settings = results.filter((result, index) => results.findIndex((other) => isOf(other, result)) === index);
  return settings
    .sort((a, b) => a.inFlight - b.inFlight || a.prompts - b.prompts)
    .flatMap((setting) => {
      const those = results.filter((result) => isOf(result, setting));
      return [...new Set(those.map(({ client }) => client))].map((client): [Setting, string, PeerResult[]] => [
        setting,
        client,
        those.filter((result) => result.client === client),
      ]);
    });
}

/** A log's end belongs in the file of results, not in a table. */
function firstLine(text = 'failed'): string {
  return text
    .split('\n')[0]!
    .replace(/; its log .*$/, '')
    .replaceAll('|', '\\|');
}
