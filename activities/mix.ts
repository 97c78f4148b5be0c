import type { ReplayRow } from '../method/records';
import { MethodError } from '../method/method-error';
import { mix, planMixture } from '../method/mixture';
import type { PlanRef } from '../workflows/types';
import { fileSha256 } from '../services/content-identities';
import { readConversations } from '../services/conversations';
import { addresses } from '../services/run-plan';
import { ROWS_VERSIONS } from '../services/stage-keys';
import { noCalls, type StageManifest } from '../services/stage-store';
import { mixtureTable, replayTable } from '../services/tables';
import type { ActivityDeps } from './deps';
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
}

/** Replay set and new data, the new data a fixed share of the whole. */
export function createMixActivities(deps: ActivityDeps) {
  const { stages } = deps;
  return {
    async mixVariant(input: PlanRef): Promise<MixtureDetail> {
      return await runActivity(deps, async () => {
        const plan = await deps.plans.load(input.plan);
        const address = addresses.mix(plan);
        const finished = await stages.find(address, ROWS_VERSIONS.mix);
        if (finished !== undefined) return detailOf(finished);

        const startedAt = new Date().toISOString();
        const { newData, newShare, maxExamples } = plan.spec.mix;
        const selections = plan.shards.map((shard) => addresses.select(plan, shard));
        const replay: ReplayRow[] = [];
        for (const selection of selections) replay.push(...(await readStage(stages, selection, ROWS_VERSIONS.select, replayTable)));
        if ((await fileSha256(newData)) !== plan.content.newData) {
          throw new MethodError(`${newData} has changed since the run began; start the run again to plan it with the new content`);
        }
        const fresh = await readConversations(newData);
        const counts = planMixture({ replayAvailable: replay.length, newAvailable: fresh.length, newShare, limit: maxExamples, onShortage: 'shrink-new' });
        const rows = mix({ replay, new: fresh, plan: counts, seed: plan.spec.seed });
        const detail: MixtureDetail = {
          replay: counts.replayCount,
          new: counts.newCount,
          share: counts.share,
          replayLeftOut: counts.replayUnused,
          newLeftOut: counts.newUnused,
        };
        const manifest = await stages.commit(address, ROWS_VERSIONS.mix, mixtureTable, {
          rows, failures: [], stats: noCalls(startedAt), detail, inputs: selections,
        });
        return detailOf(manifest);
      });
    },
  };
}

function detailOf(manifest: StageManifest): MixtureDetail {
  return manifest.detail as MixtureDetail;
}
