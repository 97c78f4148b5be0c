import { mayLeaveOut } from '../config/early-judging';
import { bestProspects, cannotWin, type EarlyJudgingInput, judgedAfterAll, PROSPECTS_SHOWN } from '../method/early-judging';
import type { Judgment, Response } from '../method/records';
import { CANNOT_WIN, isSkipped } from '../method/skipped';

/** How a later judge gets at an instruction's responses, as under `synthesis.judge.rounds`; and one response after the other, as a bound. */
export const ASKING = ['generators', 'prospects', 'singly'] as const;
export type Asking = (typeof ASKING)[number];

export interface FullyJudged extends EarlyJudgingInput {
  readonly generators: readonly string[];
}

/**
 * The judgments of one instruction that early judging asks for; in the place of the others, that they were skipped.
 * @param full all responses, and every judge's judgment of each; `judges` in their order
 */
export function judgedEarly(full: FullyJudged, asking: Asking): Judgment[] {
  const { responses, judges, policy, truncated, generators } = full;
  const said = new Map(full.judgments.map((each) => [`${each.responseId}\n${each.judge}`, each]));
  const by = (judge: string, { id }: Pick<Response, 'id'>): Judgment[] => {
    const judgment = said.get(`${id}\n${judge}`);
    return judgment === undefined ? [] : [judgment];
  };
  const made: Judgment[] = [];
  const state = (): EarlyJudgingInput => ({ responses, judges, policy, truncated, judgments: [...made] });
  for (const judge of judges) {
    if (!mayLeaveOut(judges, judge)) {
      made.push(...responses.flatMap((each) => by(judge, each)));
      continue;
    }
    const settle = (open: readonly Response[]): void => {
      const skip = cannotWin(state());
      made.push(
        ...open.flatMap((each) => by(judge, each).map((row) => (skip.has(each.id) ? { ...row, score: null, reason: CANNOT_WIN } : row))),
      );
    };
    if (asking === 'generators') {
      for (const generator of generators) settle(responses.filter(({ model }) => model === generator));
      continue;
    }
    const asked = new Set<string>();
    for (const count of asking === 'prospects' ? PROSPECTS_SHOWN : responses.map(() => 1)) {
      for (const id of bestProspects(state(), { judge, count })) {
        made.push(...by(judge, { id }));
        asked.add(id);
      }
    }
    settle(responses.filter(({ id }) => !asked.has(id)));
  }
  const again = judgedAfterAll(state());
  return made.map((row) => (isSkipped(row) && again.has(row.responseId) ? by(row.judge, { id: row.responseId })[0]! : row));
}
