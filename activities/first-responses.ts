import type { Conversation, Response } from '../method/records';
import { isCut, promptOf, withThoughts } from '../method/selection';
import type { StageStore } from '../services/store/stage-store';
import { type Shard } from '../stages/planned';
import { respondStage } from '../stages/respond';
import { type RunPlan } from '../stages/run-plan';
import { readInstructions } from './read-instructions';

/**
 * A shard's instructions with the target model's own first response to each, unfiltered; one whose response was lost is left out.
 * @param thoughts whether its thoughts come with it
 */
export async function firstResponses(
  stages: StageStore,
  plan: RunPlan,
  shard: Shard,
  { thoughts }: { readonly thoughts: boolean },
): Promise<Conversation[]> {
  const first = new Map<string, Response>();
  for (const response of await stages.inputRows(respondStage.at(plan, shard, plan.spec.target.model))) {
    if (response.sample === 0) first.set(response.instructionId, response);
  }
  return (await readInstructions(stages, plan, shard)).flatMap((instruction): Conversation[] => {
    const { id } = instruction;
    const response = first.get(id);
    if (response === undefined) return [];
    const conversation: Conversation = {
      id,
      messages: [...promptOf(instruction), { role: 'assistant', content: response.text }],
      ...(isCut(response) ? { cut: true } : {}),
    };
    return [thoughts ? withThoughts(conversation, response.reasoning) : conversation];
  });
}
