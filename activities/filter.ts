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
import { noCalls } from '../services/store/stage-store';
import { detailOf, type StoredOutput } from '../services/store/stored-output';
import { documentsStage } from '../stages/documents';
import { extractStage } from '../stages/extract';
import { filterStage, type FilterDetail, type FilterRow } from '../stages/filter';
import { partName, type Shard } from '../stages/planned';
import { type RunPlan } from '../stages/run-plan';
import { sha256 } from '../stages/sha256';
import type { OutputRef } from '../stages/stage';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';

/** A shard's verdicts as they are stored. */
type Verdicts = StoredOutput<FilterRow, FilterDetail>;

/** Work between two looks at the clock: heartbeats and cancellation wait for no longer. */
const TEXTS_A_TURN = 100;

/**
 * The filters between extraction and the first paid answer. Texts are compared over the whole run, so one activity goes
 * through all shards in order; in memory are one shard, and of each kept instruction its folded text and its place in the index.
 */
export function createFilterActivities(deps: ActivityDeps) {
  const { stages } = deps;

  async function findAll(plan: RunPlan): Promise<Verdicts[] | undefined> {
    const found: Verdicts[] = [];
    for (const shard of plan.shards) {
      const verdicts = await stages.find(filterStage.at(plan, shard));
      if (verdicts === undefined) return undefined;
      found.push(verdicts);
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
          ? await stages.inputRows(documentsStage.at(plan, task.task))
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

  async function filterShard(plan: RunPlan, shard: Shard, filter: InstructionFilter, stop: AbortSignal): Promise<Verdicts> {
    const startedAt = new Date().toISOString();
    const extract = extractStage.at(plan, shard);
    const before = plan.shards[shard.index - 1];
    const rows = await judge(filter, await stages.inputRows(extract), stop);
    return await stages.commit(filterStage.at(plan, shard), {
      rows,
      failures: rows.flatMap(failureOf),
      stats: noCalls(startedAt),
      detail: countsOf(rows),
      // Verdicts depend on the texts before; the fingerprints of those are in the rows of the shard before.
      inputs: [extract, ...(before === undefined ? [] : [filterStage.at(plan, before)]), ...documentInputs(plan)],
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
        const filtered: Verdicts[] = [];
        for (const shard of plan.shards) {
          filtered.push(await filterShard(plan, shard, filter, stop));
          heartbeat({ stage: 'filter', model: '', part: partName(shard), done: shard.end, total, ...NO_CALLS });
        }
        return outcomeOf(filtered);
      });
    },
  };
}

function documentInputs(plan: RunPlan): OutputRef[] {
  return LEADERBOARD_TASKS.filter((task) => plan.keys.documents?.[task] !== undefined).map((task) => documentsStage.at(plan, task));
}

function failureOf({ instructionId, reason, detail }: FilterRow): Failure[] {
  return reason === null ? [] : [{ stage: 'filter', id: instructionId, model: null, reason: `${reason}: ${detail}`, attempts: 0 }];
}

function countsOf(rows: readonly FilterRow[]): FilterDetail {
  const dropped: Partial<Record<DropReason, number>> = {};
  for (const { reason } of rows) if (reason !== null) dropped[reason] = (dropped[reason] ?? 0) + 1;
  return { extracted: rows.length, kept: rows.filter(({ kept }) => kept).length, dropped };
}

function outcomeOf(filtered: readonly Verdicts[]): FilterOutcome {
  return { kept: filtered.map((verdicts) => detailOf(verdicts).kept) };
}
