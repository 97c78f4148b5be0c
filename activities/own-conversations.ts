import type { Conversation } from '../method/records';
import { conversationOf, withThoughts } from '../method/selection';
import type { StageStore } from '../services/store/stage-store';
import { instructionOutputs } from '../stages/filter';
import { ownAnswersPlan } from '../stages/own-answers-plan';
import { respondStage } from '../stages/respond';
import type { RunPlan } from '../stages/run-plan';
import { selectStage } from '../stages/select';
import type { OutputRef } from '../stages/stage';
import { firstResponses } from './first-responses';
import { keepsThoughts, thoughtsOf } from './kept-thoughts';

/** The conversations of a row of own answers, and what they are read from. @throws InputLostError when that is not there */
export async function ownConversations(
  stages: StageStore,
  plan: RunPlan,
  name: string,
): Promise<{ readonly rows: Conversation[]; readonly inputs: OutputRef[] }> {
  const own = ownAnswersPlan(plan, name);
  const { select, judge } = own.spec.synthesis;
  const thoughts = keepsThoughts(plan, name);
  const rows: Conversation[] = [];
  const inputs: OutputRef[] = [];
  for (const shard of own.shards) {
    const responses = respondStage.at(own, shard, own.spec.target.model);
    if (judge.judges.length === 0) {
      inputs.push(...instructionOutputs(own, shard), responses);
      const first = await firstResponses(stages, own, shard, { thoughts });
      rows.push(...(select.truncated === 'drop' ? first.filter(({ cut = false }) => !cut) : first));
      continue;
    }
    const winners = selectStage.at(own, shard);
    inputs.push(winners, ...(thoughts ? [responses] : []));
    const reasoning = thoughts ? thoughtsOf(await stages.inputRows(responses)) : new Map<string, string>();
    rows.push(...(await stages.inputRows(winners)).map((row) => withThoughts(conversationOf(row), reasoning.get(row.responseId))));
  }
  return { rows, inputs };
}
