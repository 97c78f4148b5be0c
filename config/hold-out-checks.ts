import { leastReplay } from '../method/mixture';
import { extracts } from './own-answers';
import type { RunSpec } from './spec';
import type { Finding } from './spec-errors';

/** The held-out rows must leave enough to train on. */
export function holdOutProblems(spec: RunSpec): Finding[] {
  const { mix, synthesis, until } = spec;
  const { holdOut, newShare } = mix;
  if (holdOut === undefined || until === 'replay') return [];
  const at = ['mix', 'holdOut'];
  if (holdOut.replay === 0 && holdOut.new === 0) {
    return [
      { at, value: 'no rows to hold out', expected: 'replay, new or both above 0', hint: 'give their numbers of rows, or remove holdOut' },
    ];
  }
  if (holdOut.replay > 0 && !extracts(spec)) {
    return [
      {
        at: [...at, 'replay'],
        value: String(holdOut.replay),
        expected: 'no rows of the method’s replay set, which no row of this table has made',
        hint: 'remove it, or add the row method',
      },
    ];
  }
  const { instructions } = synthesis.extract;
  const most = instructions - leastReplay(newShare);
  if (holdOut.replay <= most || most < 0) return [];
  return [
    {
      at: [...at, 'replay'],
      value: String(holdOut.replay),
      expected: `at most ${most}, so that of ${instructions} instructions enough are left to train on`,
      hint: 'lower it, or extract more',
    },
  ];
}
