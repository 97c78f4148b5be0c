import type { StageStore } from '../../services/store/stage-store';
import { judgmentOutputs } from '../../stages/judge-keys';
import type { OwnAnswersKeys } from '../../stages/own-answers';
import { ownAnswersPlans } from '../../stages/own-answers-plan';
import { promptsStage } from '../../stages/prompts';
import { respondStage } from '../../stages/respond';
import type { RunPlan } from '../../stages/run-plan';
import { selectStage } from '../../stages/select';
import type { OutputRef } from '../../stages/stage';
import type { FailureTally } from './failure-reasons';
import type { StageGroup, StageLedger } from './stage-ledger';

export interface OwnAnswersSources {
  readonly stages: StageStore;
  readonly plan: RunPlan;
  readonly ledger: StageLedger;
  readonly failureTally: FailureTally;
}

/** Counts what the target's own answers to the prompts of data sets took, part by part; their rows are read as replay sets. */
export async function countOwnAnswers({ stages, plan, ledger, failureTally }: OwnAnswersSources): Promise<void> {
  const count = async (output: OutputRef, who: Pick<StageGroup, 'model' | 'generator'>): Promise<void> => {
    const current = await stages.findManifest(output);
    const manifest = current ?? (await stages.latestManifest(output.address));
    ledger.add({ ...who, stage: output.stage.name, key: output.address.key }, manifest, current === undefined);
    if (manifest !== undefined) failureTally.add(await stages.readFailures(manifest));
  };
  for (const [name, own] of ownAnswersPlans(plan)) {
    const target = own.spec.target.model;
    const { judges } = own.spec.synthesis.judge;
    for (const shard of own.shards) {
      await count(promptsStage.at(own, shard), { model: name });
      await count(respondStage.at(own, shard, target), { model: target });
      for (const judge of judges) {
        for (const output of judgmentOutputs(own, shard, judge, target)) await count(output, { model: judge, generator: target });
      }
      if (judges.length > 0) await count(selectStage.at(own, shard), { model: name });
    }
  }
}

/** Keys of all that a row's own answers are made from. */
export function keysOfOwnAnswers({ keys }: RunPlan, name: string): ReadonlySet<string> {
  const own: OwnAnswersKeys | undefined = keys.own?.[name];
  if (own === undefined) return new Set();
  const judged = [own.judge, own.judgeAfterAll ?? {}, ...(own.judgeRounds ?? [])].flatMap((each) =>
    Object.values(each).flatMap((byGenerator) => Object.values(byGenerator)),
  );
  return new Set([...Object.values(own.respond), ...judged]);
}
