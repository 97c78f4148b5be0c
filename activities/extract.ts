import { modelOf } from '../config/models-in-use';
import type { RunSpec } from '../config/spec';
import type { ShardBatch, BatchOutcome } from '../contract/batches';
import { extractionItems } from '../services/batches/steps/extraction';
import { engineAt, type Engine } from '../services/endpoints/engine';
import { extractStage } from '../stages/extract';
import type { ActivityDeps } from './deps';
import { runLlmBatch } from './llm-batch';
import { runActivity } from './run-activity';
import { shardOf } from './shard-of';

const ENGINE_TIMEOUT_MS = 30_000;

/** Step 1: sends the bare pre-query template until every instruction of the shard is written or given up. */
export function createExtractActivities(deps: ActivityDeps) {
  async function engineOf(spec: RunSpec): Promise<Engine | undefined> {
    const name = spec.target.model;
    return await engineAt({ name, model: modelOf(spec, name), env: deps.env, timeoutMs: ENGINE_TIMEOUT_MS });
  }

  return {
    async extractShard(input: ShardBatch): Promise<BatchOutcome> {
      return await runActivity(deps, async (scope) => {
        const plan = await deps.plans.load(input.plan);
        const shard = shardOf(plan, input.shard);
        return await runLlmBatch(deps, scope, {
          plan,
          given: input,
          output: extractStage.at(plan, shard),
          model: plan.spec.target.model,
          inputs: [],
          items: async () => {
            const own = plan.content.templates;
            const engine = own?.[plan.spec.target.model] === undefined ? undefined : await engineOf(plan.spec);
            return { items: extractionItems(plan.spec, shard, { own, engine }) };
          },
        });
      });
    },
  };
}
