import { VICTIMS, type Kill, type KillRunResult } from './kill-run';
import { markdownTable } from './markdown-section';

/** Whether a disturbed run came to the same as an undisturbed one. */
export interface Comparison {
  /** Stage outputs of the undisturbed run, and those of the disturbed one with the same rows. */
  readonly outputs: number;
  readonly equal: number;
  /** Calls that died with llm workers at all kills. */
  readonly lost: number;
  readonly problems: readonly string[];
}

/** @param cut calls in flight that ended otherwise than by a kill */
export function compareRuns(undisturbed: KillRunResult, disturbed: KillRunResult, cut = 0): Comparison {
  const problems: string[] = [];
  const expected = undisturbed.store.outputs;
  const found = disturbed.store.outputs;
  const different = [...expected].filter(([name, hash]) => found.get(name) !== hash).map(([name]) => name);
  const surplus = [...found.keys()].filter((name) => !expected.has(name));
  if (undisturbed.repaid > 0) problems.push(`the undisturbed run paid ${undisturbed.repaid} requests twice`);
  if (different.length > 0) problems.push(`${different.length} outputs differ, the first is ${different[0]}`);
  if (surplus.length > 0) problems.push(`${surplus.length} outputs are new, the first is ${surplus[0]}`);
  const lost = sum(disturbed.kills, 'lost');
  if (disturbed.repaid > lost + cut) {
    problems.push(`${disturbed.repaid} requests were paid twice, but only ${lost + cut} were in flight in what was killed`);
  }
  if (disturbed.requests - disturbed.repaid !== undisturbed.requests) {
    problems.push(`${disturbed.requests - disturbed.repaid} different requests, the undisturbed run made ${undisturbed.requests}`);
  }
  return { outputs: expected.size, equal: expected.size - different.length, lost, problems };
}

export function killTable({
  undisturbed,
  disturbed,
  comparison,
  instructions,
}: {
  readonly undisturbed: KillRunResult;
  readonly disturbed: KillRunResult;
  readonly comparison: Comparison;
  readonly instructions: number;
}): string {
  const { kills } = disturbed;
  const rows = VICTIMS.map((victim) => {
    const those = kills.filter((kill) => kill.victim === victim);
    return [victim, String(those.length), String(sum(those, 'inFlight')), String(sum(those, 'lost'))];
  });
  const table = markdownTable(['killed with `kill -9`', 'times', 'calls in flight then', 'of them in what was killed'], rows);
  return [
    `${instructions} instructions, ${undisturbed.requests} requests: ${undisturbed.seconds.toFixed(0)} s undisturbed, ` +
      `${disturbed.seconds.toFixed(0)} s with ${kills.length} kills.`,
    '',
    table,
    '',
    `Paid again: **${disturbed.repaid}** requests; **${comparison.lost}** were in flight (sent and not on disk) in llm workers that were ` +
      `killed. Stage outputs with the same rows as undisturbed: **${comparison.equal} of ${comparison.outputs}**.`,
  ].join('\n');
}

function sum(kills: readonly Kill[], what: 'inFlight' | 'lost'): number {
  return kills.reduce((total, kill) => total + kill[what], 0);
}
