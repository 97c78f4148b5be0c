import type { ReplaySource } from '../config/variants';
import type { PlanRef } from '../contract/run';
import { mix } from '../method/mixture';
import type { Conversation } from '../method/records';
import { conversationOf } from '../method/selection';
import { planVariantMixture } from '../method/variant-mixture';
import { noCalls, type StageManifest } from '../services/store/stage-store';
import { type StageAddress } from '../stages/address';
import { addresses, planVariant, type RunPlan } from '../stages/run-plan';
import { ROWS_VERSIONS } from '../stages/stage-keys';
import { conversationTable, mixtureTable, replayTable } from '../stages/tables';
import type { ActivityDeps } from './deps';
import { mixtureBase, type MixtureBase } from './mixture-base';
import { readStage } from './read-stage';
import { runActivity } from './run-activity';

/** The mixture's arithmetic, kept with it. */
export interface MixtureDetail {
  readonly replay: number;
  readonly new: number;
  readonly share: number;
  /** Rows of either side that the share left no room for. */
  readonly replayLeftOut: number;
  readonly newLeftOut: number;
  /** Whether the replay set has fewer rows than the share asks for. */
  readonly short: boolean;
  /** Examples whose last answer was cut at a token limit: no end is learned from them. */
  readonly cut: number;
}

interface ReplayRows {
  readonly rows: readonly Conversation[];
  readonly inputs: readonly StageAddress[];
}

/** Replay set and new data, the new data a fixed share of the whole. */
export function createMixActivities(deps: ActivityDeps) {
  const { stages } = deps;

  async function replayOf(plan: RunPlan, variant: string, source: ReplaySource, { heldOut, inputs }: MixtureBase): Promise<ReplayRows> {
    const trainable = (rows: readonly Conversation[]): Conversation[] => rows.filter(({ id }) => !heldOut.has(id));
    if (source.kind === 'none') return { rows: [], inputs };
    if (source.kind !== 'method') {
      const address = addresses.replay(plan, variant);
      const set = await readStage(stages, address, ROWS_VERSIONS.replay, conversationTable);
      // A data set's ids are its own.
      return { rows: source.kind === 'dataset' ? set : trainable(set), inputs: [...inputs, address] };
    }
    const rows: Conversation[] = [];
    for (const shard of plan.shards) {
      rows.push(...(await readStage(stages, addresses.select(plan, shard), ROWS_VERSIONS.select, replayTable)).map(conversationOf));
    }
    return { rows: trainable(rows), inputs };
  }

  return {
    async mixVariant(input: PlanRef & { readonly variant: string }): Promise<MixtureDetail> {
      return await runActivity(deps, async () => {
        const plan = await deps.plans.load(input.plan);
        const { replay: source, newShare } = planVariant(plan, input.variant);
        if (source === null) throw new Error(`the variant "${input.variant}" is only evaluated`);
        const address = addresses.mix(plan, input.variant);
        const finished = await stages.find(address, ROWS_VERSIONS.mix);
        if (finished !== undefined) return detailOf(finished);

        const startedAt = new Date().toISOString();
        const base = await mixtureBase(stages, plan);
        const { fresh } = base;
        const { rows: replay, inputs } = await replayOf(plan, input.variant, source, base);
        const counts = planVariantMixture({ base: base.plan, replayAvailable: replay.length, newAvailable: fresh.length, newShare });
        const rows = mix({ replay, new: fresh, plan: counts, seed: plan.spec.seed });
        const detail: MixtureDetail = {
          replay: counts.replayCount,
          new: counts.newCount,
          share: counts.share,
          replayLeftOut: counts.replayUnused,
          newLeftOut: counts.newUnused,
          short: counts.shrunk,
          cut: rows.filter((row) => row.cut).length,
        };
        const manifest = await stages.commit(address, ROWS_VERSIONS.mix, mixtureTable, {
          rows,
          failures: [],
          stats: noCalls(startedAt),
          detail,
          inputs,
        });
        return detailOf(manifest);
      });
    },
  };
}

function detailOf(manifest: StageManifest): MixtureDetail {
  return manifest.detail as MixtureDetail;
}
