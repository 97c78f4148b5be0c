import { variantsOf } from '../config/variants';
import { shardOutputs } from './chain';
import { evaluateStage } from './evaluate';
import { holdOutStage } from './hold-out';
import { mixStage } from './mix';
import { ownAnswersPlans } from './own-answers-plan';
import { promptsStage } from './prompts';
import { replayStage } from './replay';
import type { RunPlan } from './run-plan';
import type { OutputRef } from './stage';
import { trainStage } from './train';

/** Outputs of a run that are made from others or read by others, in the order of the method. */
export function runOutputs(plan: RunPlan): OutputRef[] {
  const { spec, keys } = plan;
  return [
    ...plan.shards.flatMap((shard) => shardOutputs(plan, shard)),
    ...[...ownAnswersPlans(plan).values()].flatMap((own) => [
      promptsStage.at(own),
      ...own.shards.flatMap((shard) => shardOutputs(own, shard)),
    ]),
    ...(keys.holdOut === undefined ? [] : [holdOutStage.at(plan)]),
    ...variantsOf(spec).flatMap(({ name }): OutputRef[] => [
      ...(keys.variants[name]?.replay === undefined ? [] : [replayStage.at(plan, name)]),
      ...(keys.variants[name]?.mix === undefined ? [] : [mixStage.at(plan, name)]),
      ...(keys.variants[name]?.train === undefined ? [] : [trainStage.at(plan, name)]),
      evaluateStage.at(plan, name),
    ]),
  ];
}
