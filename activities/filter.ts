import { setImmediate as nextTurn } from 'node:timers/promises';
import { isLeaderboardTask, LEADERBOARD_TASKS } from '../config/evaluation-splits';
import { activeQuality } from '../config/spec-quality';
import type { FilterOutcome } from '../contract/outcomes';
import type { PlanRef } from '../contract/run';
import { NO_CALLS } from '../method/cost';
import type { EvaluationDocument } from '../method/quality/contamination';
import { InstructionFilter, type DropReason } from '../method/quality/instruction-filter';
import type { Failure, Instruction } from '../method/records';
import { loadLanguageDetector } from '../services/data/language-detector';
import { readLocalDocuments } from '../services/data/local-documents';
import { noCalls, type StageManifest } from '../services/store/stage-store';
import { addresses, type RunPlan, type Shard } from '../stages/run-plan';
import { sha256 } from '../stages/sha256';
import { ROWS_VERSIONS } from '../stages/stage-keys';
import { documentTable, filterTable, instructionTable, type FilterRow } from '../stages/tables';
import type { ActivityDeps } from './deps';
import { readStage } from './read-stage';
import { runActivity } from './run-activity';

/** Kept with each shard's verdicts. */
export interface FilterDetail {
  readonly extracted: number;
  readonly kept: number;
  /** Dropped ones by reason. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
}

/** Work between two looks at the clock: heartbeats and cancellation wait for no longer. */
const TEXTS_A_TURN = 100;

/**
 * The filters between extraction and the first paid answer. Texts are compared over the whole run, so one activity goes
 * through all shards in order; in memory are one shard, and of each kept instruction its folded text and its place in the index.
 */
export function createFilterActivities(deps: ActivityDeps) {
  const { stages } = deps;

  async function findAll(plan: RunPlan): Promise<StageManifest[] | undefined> {
    const found: StageManifest[] = [];
    for (const shard of plan.shards) {
      const manifest = await stages.find(addresses.filter(plan, shard), ROWS_VERSIONS.filter);
      if (manifest === undefined) return undefined;
      found.push(manifest);
    }
    return found;
  }

  async function createFilter(plan: RunPlan): Promise<InstructionFilter> {
    const rules = activeQuality(plan.spec);
    if (rules === undefined) throw new Error('the plan has no filters; a workflow that knows its plan cannot come here');
    return new InstructionFilter({
      rules,
      ...(rules.language === undefined ? {} : { detectLanguage: await loadLanguageDetector() }),
      ...(rules.decontaminate === undefined ? {} : { documents: await readDocuments(plan) }),
    });
  }

  async function readDocuments(plan: RunPlan): Promise<EvaluationDocument[]> {
    const documents: EvaluationDocument[] = [];
    for (const [index, task] of plan.spec.evaluate.tasks.entries()) {
      if (!isLeaderboardTask(task.task)) continue; // said in a warning
      documents.push(
        ...(task.data === undefined
          ? await readStage(stages, addresses.documents(plan, task.task), ROWS_VERSIONS.documents, documentTable)
          : await readLocalDocuments(task, plan.content.evaluation[index])),
      );
    }
    return documents;
  }

  async function judge(filter: InstructionFilter, instructions: readonly Instruction[], stop: AbortSignal): Promise<FilterRow[]> {
    const rows: FilterRow[] = [];
    for (const [index, { id, text }] of instructions.entries()) {
      if (index % TEXTS_A_TURN === 0) {
        await nextTurn();
        stop.throwIfAborted();
      }
      const fingerprint = sha256(text).slice(0, 16);
      const verdict = filter.verdict({ id, text });
      rows.push(
        verdict.kept
          ? { instructionId: id, kept: true, reason: null, detail: null, fingerprint }
          : {
              instructionId: id,
              kept: false,
              reason: verdict.reason,
              detail: verdict.detail,
              fingerprint,
              ...(verdict.matches === undefined ? {} : { matches: verdict.matches }),
            },
      );
    }
    return rows;
  }

  async function filterShard(plan: RunPlan, shard: Shard, filter: InstructionFilter, stop: AbortSignal): Promise<StageManifest> {
    const startedAt = new Date().toISOString();
    const extract = addresses.extract(plan, shard);
    const before = plan.shards[shard.index - 1];
    const rows = await judge(filter, await readStage(stages, extract, ROWS_VERSIONS.extract, instructionTable), stop);
    return await stages.commit(addresses.filter(plan, shard), ROWS_VERSIONS.filter, filterTable, {
      rows,
      failures: rows.flatMap(failureOf),
      stats: noCalls(startedAt),
      detail: detailOf(rows),
      // Verdicts depend on the texts before; the fingerprints of those are in the rows of the shard before.
      inputs: [extract, ...(before === undefined ? [] : [addresses.filter(plan, before)]), ...documentInputs(plan)],
    });
  }

  return {
    /** Judges every extracted instruction of the run; those that it drops are answered by nobody. */
    async filterInstructions(input: PlanRef): Promise<FilterOutcome> {
      return await runActivity(deps, async ({ stop, heartbeat }) => {
        const plan = await deps.plans.load(input.plan);
        const finished = await findAll(plan);
        if (finished !== undefined) return outcomeOf(finished);

        const filter = await createFilter(plan);
        const total = plan.spec.synthesis.extract.instructions;
        const manifests: StageManifest[] = [];
        for (const shard of plan.shards) {
          manifests.push(await filterShard(plan, shard, filter, stop));
          heartbeat({ stage: 'filter', model: '', part: addresses.filter(plan, shard).part, done: shard.end, total, ...NO_CALLS });
        }
        return outcomeOf(manifests);
      });
    },
  };
}

function documentInputs(plan: RunPlan): ReturnType<typeof addresses.documents>[] {
  return LEADERBOARD_TASKS.filter((task) => plan.keys.documents?.[task] !== undefined).map((task) => addresses.documents(plan, task));
}

function failureOf({ instructionId, reason, detail }: FilterRow): Failure[] {
  return reason === null ? [] : [{ stage: 'filter', id: instructionId, model: null, reason: `${reason}: ${detail}`, attempts: 0 }];
}

function detailOf(rows: readonly FilterRow[]): FilterDetail {
  const dropped: Partial<Record<DropReason, number>> = {};
  for (const { reason } of rows) if (reason !== null) dropped[reason] = (dropped[reason] ?? 0) + 1;
  return { extracted: rows.length, kept: rows.filter(({ kept }) => kept).length, dropped };
}

function outcomeOf(manifests: readonly StageManifest[]): FilterOutcome {
  return { kept: manifests.map(({ detail }) => (detail as FilterDetail).kept) };
}
