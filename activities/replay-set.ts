import { selectionRules } from '../config/selection-rules';
import type { ReplaySource, ReplayDataset } from '../config/variants';
import type { PlanRef } from '../contract/run';
import { byInstruction } from '../method/by-instruction';
import { NO_CALLS } from '../method/cost';
import type { Conversation } from '../method/records';
import { conversationOf, selectBest } from '../method/selection';
import { readJsonLines } from '../services/data/json-lines';
import { datasetsResultSchema, drawnConversationSchema } from '../services/python/python-protocol';
import { noCalls, type StageManifest } from '../services/store/stage-store';
import { type StageAddress } from '../stages/address';
import { addresses, planVariant, type RunPlan } from '../stages/run-plan';
import { ROWS_VERSIONS } from '../stages/stage-keys';
import { conversationTable, judgmentTable, responseTable } from '../stages/tables';
import type { ActivityDeps } from './deps';
import { firstResponses } from './first-responses';
import { mixtureBase } from './mixture-base';
import { instructionInputs, readInstructions } from './read-instructions';
import { readStage } from './read-stage';
import { runActivity, type ActivityScope } from './run-activity';

/** What is known of a replay set that is not the method's; kept with it. */
export interface ReplaySetDetail {
  readonly kind: Exclude<ReplaySource['kind'], 'method' | 'none'>;
  readonly title: string;
  readonly rows: number;
  /** Rows that were looked at to draw these. */
  readonly read: number;
  /** Rows that are no conversation, by what is wrong with them. */
  readonly malformed: Readonly<Record<string, number>>;
  /** Conversations of a data set that ended with a user's turn, which was cut. */
  readonly trailingUserTurnsCut?: number;
  /** Commit of the hub repository that was read; null for local files and ablations. */
  readonly revision: string | null;
  readonly licence: string | null;
}

interface Loaded {
  readonly rows: readonly Conversation[];
  readonly detail: ReplaySetDetail;
  readonly inputs: readonly StageAddress[];
}

/** Replay sets other than the method's: the two ablations, from what is stored, and public data sets. */
export function createReplaySetActivities(deps: ActivityDeps) {
  const { stages, workspace } = deps;

  async function load(plan: RunPlan, variant: string, source: ReplaySource, scope: ActivityScope): Promise<Loaded> {
    switch (source.kind) {
      case 'first-response':
        return await unfiltered(plan);
      case 'target-best':
        return await bestOfTarget(plan);
      case 'dataset':
        return await drawDataset(plan, variant, source, scope);
      default:
        throw new Error(`the variant "${variant}" needs no replay set of its own`);
    }
  }

  /** Section 3.4 of the paper: "the responses generated directly by the target model without … filtering". */
  async function unfiltered(plan: RunPlan): Promise<Loaded> {
    const target = plan.spec.target.model;
    const { truncated } = plan.spec.synthesis.select;
    const rows: Conversation[] = [];
    const inputs: StageAddress[] = [];
    for (const shard of plan.shards) {
      inputs.push(...instructionInputs(plan, shard), addresses.respond(plan, shard, target));
      const first = await firstResponses(stages, plan, shard);
      rows.push(...(truncated === 'drop' ? first.filter(({ cut = false }) => !cut) : first));
    }
    return { rows, inputs, detail: ablation('first-response', `first response of ${target}, unfiltered`, rows.length) };
  }

  /** Section 3.4: the target model's responses alone, the best of them by its own scores. */
  async function bestOfTarget(plan: RunPlan): Promise<Loaded> {
    const target = plan.spec.target.model;
    const { respond, select } = plan.spec.synthesis;
    const rows: Conversation[] = [];
    const inputs: StageAddress[] = [];
    for (const shard of plan.shards) {
      const from = [addresses.respond(plan, shard, target), addresses.judge(plan, shard, target, target)] as const;
      inputs.push(...instructionInputs(plan, shard), ...from);
      const instructions = await readInstructions(stages, plan, shard);
      const responses = byInstruction(await readStage(stages, from[0], ROWS_VERSIONS.respond, responseTable));
      const judgments = byInstruction(await readStage(stages, from[1], ROWS_VERSIONS.judge, judgmentTable));
      for (const instruction of instructions) {
        const result = selectBest({
          instruction,
          responses: responses.get(instruction.id) ?? [],
          judgments: judgments.get(instruction.id) ?? [],
          judges: [target],
          expectedResponses: respond.samples,
          ...selectionRules(select, 1),
          seed: plan.spec.seed,
        });
        if ('replay' in result) rows.push(conversationOf(result.replay));
      }
    }
    return {
      rows,
      inputs,
      detail: ablation('target-best', `best of ${respond.samples} responses of ${target}, judged by itself`, rows.length),
    };
  }

  /** As many conversations as the mixture needs, drawn by the run's seed. */
  async function drawDataset(
    plan: RunPlan,
    variant: string,
    { title, source, schema, licence }: ReplayDataset,
    { stop, heartbeat }: ActivityScope,
  ): Promise<Loaded> {
    const { plan: base, inputs } = await mixtureBase(stages, plan);
    const { newShare } = planVariant(plan, variant);
    const count = newShare === base.requestedShare ? base.replayCount : base.total - Math.round(base.total * newShare);
    const result = await deps.python.run({
      command: 'datasets',
      resultSchema: datasetsResultSchema,
      stop,
      onEvent: (event) => {
        if (event.type !== 'progress') return;
        heartbeat({ ...NO_CALLS, stage: 'replay', model: variant, part: 'all', done: event.done, total: event.total, note: event.phase });
      },
      spec: {
        source,
        schema,
        count,
        seed: plan.spec.seed,
        outputDir: workspace.path(`${stages.folder(addresses.replay(plan, variant))}/job`),
      },
    });
    const rows = await readRows(result.conversations);
    return {
      rows,
      inputs,
      detail: {
        kind: 'dataset',
        title,
        rows: rows.length,
        read: result.read,
        malformed: result.malformed,
        trailingUserTurnsCut: result.trailingUserTurnsCut,
        revision: result.revision,
        licence: licence ?? result.licence,
      },
    };
  }

  return {
    /** Makes the replay set of a variant that does not use the method's. */
    async loadReplaySet(input: PlanRef & { readonly variant: string }): Promise<ReplaySetDetail> {
      return await runActivity(deps, async (scope) => {
        const plan = await deps.plans.load(input.plan);
        const { replay } = planVariant(plan, input.variant);
        if (replay === null) throw new Error(`the variant "${input.variant}" is only evaluated`);
        const address = addresses.replay(plan, input.variant);
        const finished = await stages.find(address, ROWS_VERSIONS.replay);
        if (finished !== undefined) return detailOf(finished);

        const startedAt = new Date().toISOString();
        const { rows, detail, inputs } = await load(plan, input.variant, replay, scope);
        const manifest = await stages.commit(address, ROWS_VERSIONS.replay, conversationTable, {
          rows: [...rows],
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

function ablation(kind: 'first-response' | 'target-best', title: string, rows: number): ReplaySetDetail {
  return { kind, title, rows, read: rows, malformed: {}, revision: null, licence: null };
}

async function readRows(path: string): Promise<Conversation[]> {
  const rows: Conversation[] = [];
  for await (const { row } of readJsonLines(path)) rows.push(drawnConversationSchema.parse(row));
  return rows;
}

function detailOf(manifest: StageManifest): ReplaySetDetail {
  return manifest.detail as ReplaySetDetail;
}
