import { variantsOf, type Variant } from '../config/variants';
import type { Failure, FinishReason, Instruction, Judgment } from '../method/records';
import { settledJudgments } from '../method/skipped';
import type { StageStore } from '../services/store/stage-store';
import { byStageOrder, shardOutputs } from '../stages/chain';
import { evaluateStage } from '../stages/evaluate';
import { heldOutLossTable, type HeldOutLossRow } from '../stages/evaluate-loss';
import { sampleTable, type SampleRow } from '../stages/evaluate-task';
import { extractStage, instructionTable } from '../stages/extract';
import { failureTable } from '../stages/failure-table';
import { filterStage, instructionsOutput } from '../stages/filter';
import { judgmentTable } from '../stages/judge';
import { judgmentOutputs } from '../stages/judge-keys';
import { mixStage } from '../stages/mix';
import { ownAnswersPlan } from '../stages/own-answers-plan';
import { type Shard } from '../stages/planned';
import { replayStage } from '../stages/replay';
import { respondStage, responseTable } from '../stages/respond';
import { type RunPlan } from '../stages/run-plan';
import { selectStage, replayTable } from '../stages/select';
import type { Output } from '../stages/stage';
import { type Table } from '../stages/table';
import { StoredParts, type Coverage } from './stored-parts';

/** What `rehearse export --stage` takes. Part of the public contract. */
export const EXPORT_STAGES = ['instructions', 'responses', 'judgments', 'replay', 'mixture', 'evaluation', 'losses', 'failures'] as const;
export type ExportStage = (typeof EXPORT_STAGES)[number];

/** A judgment as exported. */
export type ExportedJudgment = Judgment & {
  /** Of the response, so that the winners can be chosen again from these rows alone. */
  readonly responseFinishReason: FinishReason;
};

export const exportedJudgmentTable: Table<ExportedJudgment> = {
  schema: { ...judgmentTable.schema, responseFinishReason: 'string' },
  optional: judgmentTable.optional,
};

/** An instruction of a run with filters: `dropped` is why it was not answered, or null. */
export type FilteredInstruction = Instruction & { readonly dropped: string | null };

const filteredInstructionTable: Table<FilteredInstruction> = {
  schema: { ...instructionTable.schema, dropped: 'string' },
  optional: instructionTable.optional,
};

/** A document of an evaluation, as a variant's model answered it. */
export type EvaluatedRow = { readonly variant: string } & SampleRow;

const evaluatedTable: Table<EvaluatedRow> = { schema: { variant: 'string', ...sampleTable.schema }, optional: sampleTable.optional };

/** Loss of a variant's model on a conversation that was held out of every training. */
export type ExportedLoss = { readonly variant: string } & HeldOutLossRow;

const exportedLossTable: Table<ExportedLoss> = { schema: { variant: 'string', ...heldOutLossTable.schema }, optional: [] };

/** One stage's rows, as they are stored. */
export interface StageExport<Row extends object> {
  readonly table: Table<Row>;
  /** The rows, a shard at a time, sorted by id throughout. What is not made yet is left out. */
  readonly parts: () => AsyncGenerator<Row[]>;
  /** What was there; complete once `parts` has ended. */
  readonly coverage: Coverage;
}

export interface ExportSource {
  readonly stages: StageStore;
  readonly plan: RunPlan;
  /** Variant whose replay set, mixture or failures are meant, of own answers also their prompts, responses and judgments; without it, the method. Of evaluations and losses, without it, all. */
  readonly variant?: Variant;
}

/** The paper's method: every run's synthesis makes its replay set, whatever the variants. */
export const METHOD: Variant = { name: 'method', replay: { kind: 'method' }, newShare: 0.17 };

/** A row of any stage, for writers that only look at the table's columns. */
export type AnyStageExport = StageExport<Record<string, unknown>>;

/**
 * The rows of a stage of a run, straight from the store. One shard is in memory at a time.
 * A response that was lost has no judgments; it is among the failures, with its reason.
 */
export function exportStage(stage: ExportStage, source: ExportSource): AnyStageExport {
  const parts = new StoredParts(source.stages);
  const { variant: { name, replay } = METHOD } = source;
  const run = source.plan;
  // Of own answers the prompts stand for the instructions.
  const plan = replay?.kind === 'own-answers' ? ownAnswersPlan(run, name) : run;
  const generators = plan.spec.synthesis.respond.generators;
  const evaluated = source.variant === undefined ? variantsOf(plan.spec) : [source.variant];
  const byShard = <Row extends object>(table: Table<Row>, read: (shard: Shard) => Promise<Row[]>): AnyStageExport =>
    erase({
      table,
      coverage: parts.coverage,
      async *parts() {
        for (const shard of plan.shards) yield await read(shard);
      },
    });

  const whole = <Row extends { readonly id: string }>(output: Output<Row>): AnyStageExport =>
    erase({
      table: output.stage.table,
      coverage: parts.coverage,
      async *parts() {
        yield sorted(await parts.rows(output));
      },
    });

  switch (stage) {
    case 'instructions':
      if (plan.keys.filter === undefined) {
        return byShard(instructionTable, async (shard) => sorted(await parts.rows(instructionsOutput(plan, shard))));
      }
      return byShard(filteredInstructionTable, async (shard) => sorted(await readFiltered(parts, plan, shard)));
    case 'responses':
      return byShard(responseTable, async (shard) =>
        sorted((await inTurn(generators, async (generator) => await parts.rows(respondStage.at(plan, shard, generator)))).flat()),
      );
    case 'judgments':
      return byShard(exportedJudgmentTable, async (shard) => sorted(await readJudgments(parts, plan, shard)));
    case 'replay':
      if (replay?.kind !== 'method') return whole(replayStage.at(plan, name));
      return byShard(replayTable, async (shard) => await parts.rows(selectStage.at(plan, shard))); // in the order of instructions
    case 'mixture':
      return whole(mixStage.at(plan, name));
    case 'evaluation':
      return erase<EvaluatedRow>({
        table: evaluatedTable,
        coverage: parts.coverage,
        async *parts() {
          for (const { name: variant } of evaluated) {
            yield (await parts.rows(evaluateStage.at(plan, variant))).map((row) => ({ variant, ...row }));
          }
        },
      });
    case 'losses':
      return erase<ExportedLoss>({
        table: exportedLossTable,
        coverage: parts.coverage,
        async *parts() {
          for (const { name: variant } of evaluated) {
            const rows = await parts.losses(evaluateStage.at(plan, variant));
            yield rows.map((row) => ({ variant, ...row })).sort((a, b) => compare(a.set, b.set) || compare(a.id, b.id));
          }
        },
      });
    case 'failures':
      return erase({
        table: failureTable,
        coverage: parts.coverage,
        async *parts() {
          for (const shard of plan.shards) {
            yield sortedFailures((await inTurn(shardOutputs(plan, shard), async (output) => await parts.failures(output))).flat());
          }
          // Of a run in which nothing is trained, there is no mixture. New-data ids (n…) come after instruction ids (i…).
          if (plan.keys.variants[name]?.mix !== undefined) yield sortedFailures(await parts.failures(mixStage.at(plan, name)));
        },
      });
  }
}

async function readFiltered(parts: StoredParts, plan: RunPlan, shard: Shard): Promise<FilteredInstruction[]> {
  const instructions = await parts.rows(extractStage.at(plan, shard));
  const verdicts = await parts.rows(filterStage.at(plan, shard));
  const reasons = new Map(
    verdicts.flatMap(({ instructionId, reason, detail }) => (reason === null ? [] : [[instructionId, `${reason}: ${detail}`] as const])),
  );
  return instructions.map((instruction) => ({ ...instruction, dropped: reasons.get(instruction.id) ?? null }));
}

async function readJudgments(parts: StoredParts, plan: RunPlan, shard: Shard): Promise<ExportedJudgment[]> {
  const { respond, judge } = plan.spec.synthesis;
  const rows: ExportedJudgment[] = [];
  for (const generator of respond.generators) {
    const responses = new Map((await parts.rows(respondStage.at(plan, shard, generator))).map((row) => [row.id, row]));
    for (const name of judge.judges) {
      const outputs = judgmentOutputs(plan, shard, name, generator);
      for (const row of settledJudgments((await inTurn(outputs, async (output) => await parts.rows(output))).flat())) {
        const response = responses.get(row.responseId);
        // Outputs of different releases may lie beside each other until the run is started again.
        if (response !== undefined) rows.push({ ...row, responseFinishReason: response.finishReason });
      }
    }
  }
  return rows;
}

function sortedFailures(failures: Failure[]): Failure[] {
  return failures.sort((a, b) => compare(a.id, b.id) || byStageOrder(a.stage, b.stage) || compare(a.model ?? '', b.model ?? ''));
}

function sorted<Row extends { readonly id: string }>(rows: Row[]): Row[] {
  return rows.sort((a, b) => compare(a.id, b.id));
}

/** By code units, as `LC_ALL=C sort` does for these ASCII ids. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** One after the other, so that memory holds what is kept and one file. */
async function inTurn<T, Result>(items: readonly T[], read: (item: T) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await read(item));
  return results;
}

/** Writers need the columns' names and types, not the row's type. */
function erase<Row extends object>(stage: StageExport<Row>): AnyStageExport {
  return stage as unknown as AnyStageExport;
}
