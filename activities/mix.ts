import type { ReplaySource } from '../config/variants';
import type { MixOutcome } from '../contract/outcomes';
import type { PlanRef } from '../contract/run';
import { mix } from '../method/mixture';
import type { Conversation, Failure } from '../method/records';
import { conversationOf, withThoughts } from '../method/selection';
import { planVariantMixture } from '../method/variant-mixture';
import { detailOf } from '../services/store/stored-output';
import { replaySetOutput } from '../stages/chain';
import { mixStage, type MixtureDetail } from '../stages/mix';
import { replayStage } from '../stages/replay';
import { respondStage } from '../stages/respond';
import { planVariant, type RunPlan } from '../stages/run-plan';
import type { OutputRef } from '../stages/stage';
import type { ActivityDeps } from './deps';
import { keepsThoughts, thoughtsOf } from './kept-thoughts';
import { mixtureBase, type MixtureBase } from './mixture-base';
import { runActivity } from './run-activity';

interface ReplayRows {
  readonly rows: readonly Conversation[];
  readonly inputs: readonly OutputRef[];
  /** Rows that `mix.exclude` names. */
  readonly excludedIds: readonly string[];
}

/** Replay set and new data, the new data a fixed share of the whole. */
export function createMixActivities(deps: ActivityDeps) {
  const { stages } = deps;

  async function replayOf(plan: RunPlan, variant: string, source: ReplaySource, base: MixtureBase): Promise<ReplayRows> {
    const { heldOut, excluded, inputs } = base;
    const excludedIds: string[] = [];
    const trainable = (rows: readonly Conversation[]): Conversation[] =>
      rows.filter(({ id }) => {
        if (heldOut.has(id)) return false;
        if (excluded.has(id)) excludedIds.push(id);
        return !excluded.has(id);
      });
    switch (source.kind) {
      case 'none':
        return { rows: [], inputs, excludedIds };
      case 'method': {
        const rows: Conversation[] = [];
        const read: OutputRef[] = [...inputs];
        for (const shard of plan.shards) {
          const winners = await stages.inputRows(replaySetOutput(plan, shard));
          const answered = keepsThoughts(plan, variant) ? [...new Set(winners.map(({ model }) => model))] : [];
          const responses = answered.map((generator) => respondStage.at(plan, shard, generator));
          read.push(...responses);
          const thoughts = thoughtsOf((await Promise.all(responses.map(async (output) => await stages.inputRows(output)))).flat());
          rows.push(...winners.map((winner) => withThoughts(conversationOf(winner), thoughts.get(winner.responseId))));
        }
        return { rows: trainable(rows), inputs: read, excludedIds };
      }
      case 'dataset': {
        const set = replayStage.at(plan, variant);
        return { rows: await stages.inputRows(set), inputs: [...inputs, set], excludedIds }; // a data set's ids are its own
      }
      case 'own-answers':
      case 'first-response':
      case 'target-best': {
        const set = replayStage.at(plan, variant);
        return { rows: trainable(await stages.inputRows(set)), inputs: [...inputs, set], excludedIds };
      }
      case 'interpolate':
        throw new Error(`the variant "${variant}" is interpolated, which needs no mixture`);
    }
  }

  return {
    async mixVariant(input: PlanRef & { readonly variant: string }): Promise<MixOutcome> {
      return await runActivity(deps, async (scope) => {
        const plan = await deps.plans.load(input.plan);
        const { replay: source, newShare } = planVariant(plan, input.variant);
        if (source === null) throw new Error(`the variant "${input.variant}" is only evaluated`);
        const mixture = await stages.findOrMake(mixStage.at(plan, input.variant), async () => {
          const base = await mixtureBase(deps, plan, scope);
          const { fresh } = base;
          const { rows: replay, inputs, excludedIds } = await replayOf(plan, input.variant, source, base);
          const counts = planVariantMixture({ base: base.plan, replayAvailable: replay.length, newAvailable: fresh.length, newShare });
          const rows = mix({ replay, new: fresh, plan: counts, seed: plan.spec.seed });
          const failures = [...excludedIds, ...base.excludedNew].map((id) => excludedFailure(id, base.excluded.get(id)));
          const detail: MixtureDetail = {
            replay: counts.replayCount,
            new: counts.newCount,
            share: counts.share,
            replayLeftOut: counts.replayUnused,
            newLeftOut: counts.newUnused,
            short: counts.shrunk,
            cut: rows.filter((row) => row.cut).length,
            ...(failures.length === 0 ? {} : { excluded: failures.length }),
          };
          return { rows, failures, detail, inputs };
        });
        return detailOf(mixture);
      });
    },
  };
}

/** A flagged row as what it is for the exports and the report: left out, with its reason. */
function excludedFailure(id: string, reason: string | undefined): Failure {
  return { stage: 'mix', id, model: null, reason: reason ? `excluded: ${reason}` : 'excluded', attempts: 0 };
}
