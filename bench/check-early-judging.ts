import { join } from 'node:path';
import { earlyJudging } from '../config/early-judging';
import { selectionRules } from '../config/selection-rules';
import type { RunSpec } from '../config/spec';
import { byInstruction } from '../method/by-instruction';
import type { Instruction, Judgment, Response } from '../method/records';
import { selectBest } from '../method/selection';
import { isSkipped } from '../method/skipped';
import { type Asking, judgedEarly } from './judged-early';
import { partsOf, readParts } from './stored-parts';

export interface EarlyCheck {
  readonly asking: Exclude<Asking, 'singly'>;
  /** Of the responses, shown to the last judge. */
  readonly shown: number;
  /** Kept instructions whose winner would be another. */
  readonly differ: number;
}

/**
 * What early judging would have asked for in a store whose one run was judged in full, by what its judges said there; and whether the same
 * responses would have won.
 * @param spec of that run
 */
export async function checkEarlyJudging(store: string, spec: RunSpec): Promise<EarlyCheck[]> {
  const { respond, judge, select } = spec.synthesis;
  const early = earlyJudging({ ...spec, synthesis: { ...spec.synthesis, judge: { ...judge, skip: 'cannot-win' } } });
  if (early === undefined) return [];
  const judges = early.order;
  const last = judges.at(-1);
  const rules = selectionRules(select, judges.length);
  const figures = (['generators', 'prospects'] as const).map((asking) => ({ asking, shown: 0, differ: 0 }));
  let responsesInAll = 0;
  const stages = join(store, 'stages');
  for (const part of await partsOf(join(stages, 'select'))) {
    // The run's own rows, whose columns the stages guarantee.
    const responses = byInstruction((await readParts(stages, 'respond', part)) as unknown as Response[]);
    const judgments = byInstruction((await readParts(stages, 'judge', part)) as unknown as Judgment[]);
    const winners = new Map((await readParts(stages, 'select', part)).map(({ instructionId, responseId }) => [instructionId, responseId]));
    for (const [id, given] of responses) {
      responsesInAll += given.length;
      const full = { ...rules, responses: given, judgments: judgments.get(id) ?? [], judges, generators: respond.generators };
      for (const figure of figures) {
        const made = judgedEarly(full, figure.asking);
        figure.shown += made.filter((each) => each.judge === last && !isSkipped(each)).length;
        const instruction: Instruction = { id, text: '', model: '', finishReason: 'stop', seed: 0, attempts: 1, usage: null };
        const expectedResponses = respond.generators.length * respond.samples;
        const selected = selectBest({ ...full, instruction, judgments: made, expectedResponses, seed: spec.seed });
        if (winners.has(id) && (!('replay' in selected) || selected.replay.responseId !== winners.get(id))) figure.differ++;
      }
    }
  }
  return figures.map(({ asking, shown, differ }) => ({ asking, shown: shown / Math.max(1, responsesInAll), differ }));
}
