import { z } from 'zod';
import { isLeaderboardTask } from '../config/evaluation-splits';
import type { RunSpec } from '../config/spec';
import { activeQuality } from '../config/spec-quality';
import type { LeaderboardTask } from '../method/forgetting';
import type { Contamination } from '../method/quality/contamination';
import { DROP_REASONS, type DropReason } from '../method/quality/instruction-filter';
import type { Instruction } from '../method/records';
import { documentsStage } from './documents';
import { extractStage, type ExtractKeys } from './extract';
import { partName, type ContentIdentities, type Planned, type Shard } from './planned';
import { promptsStage, type PromptsKeys } from './prompts';
import { defineStage, knownKey, type Output, type OutputRef } from './stage';
import type { Table } from './table';

/** What the filters say of one extracted instruction. */
export interface FilterRow {
  readonly instructionId: string;
  readonly kept: boolean;
  /** Null for kept ones, as is `detail`. */
  readonly reason: DropReason | null;
  /** What it was measured against: the original of a duplicate, the language found. */
  readonly detail: string | null;
  /** Evaluation documents that share words in a row with it. */
  readonly matches?: readonly Contamination[];
  /** Start of the text's SHA-256: other texts are other rows, so that what follows from them is made again. */
  readonly fingerprint: string;
}

const filterTable: Table<FilterRow> = {
  schema: { instructionId: 'string', kept: 'boolean', reason: 'string', detail: 'string', matches: 'json', fingerprint: 'string' },
  optional: ['matches'],
};

const filterDetailSchema = z.looseObject({
  extracted: z.number(),
  kept: z.number(),
  /** Dropped ones by reason. */
  dropped: z.partialRecord(z.enum(DROP_REASONS), z.number()),
});

/** Kept with each shard's verdicts. */
export type FilterDetail = z.output<typeof filterDetailSchema>;

/** Its key in a plan, when a filter is on. */
export interface FilterKeys {
  readonly filter?: string;
}

/** Verdicts on the extracted instructions, between extraction and the first answer; in a run whose spec has a filter on. */
export const filterStage = defineStage({
  name: 'filter',
  version: 1,
  rowsVersion: 1,
  callsModels: false,
  table: filterTable,
  detail: filterDetailSchema,
  /**
   * How many instructions there are is no part of it: a verdict depends on the instructions before, so a longer run's verdicts
   * begin with those of a shorter one.
   */
  key: (hash, spec: RunSpec, content: ContentIdentities, extractKey: string) =>
    hash({
      rules: activeQuality(spec),
      documents: comparedDocuments(spec, content).map(({ task, documents }) => [task, documents]),
      input: [...extractStage.input(extractKey), documentsStage.rowsVersion],
    }),
  place: ({ keys }: Pick<Planned<FilterKeys>, 'keys'>, shard: Shard) => ({ key: knownKey(keys.filter, 'filter'), part: partName(shard) }),
});

interface ComparedDocuments {
  readonly task: LeaderboardTask;
  /** Identity of the documents. */
  readonly documents: string | null;
  /** They are on the hub, and fetched for the filters. */
  readonly fetched: boolean;
}

/** Evaluation documents that the filters compare instructions with. */
export function comparedDocuments(spec: RunSpec, content: ContentIdentities): ComparedDocuments[] {
  if (activeQuality(spec)?.decontaminate === undefined) return [];
  return spec.evaluate.tasks.flatMap(({ task, data }, index): ComparedDocuments[] =>
    isLeaderboardTask(task) ? [{ task, documents: content.evaluation[index] ?? null, fetched: data === undefined }] : [],
  );
}

type InstructionKeys = ExtractKeys & PromptsKeys;

/** The instructions of a shard: what the target wrote, or the prompts of a data set. */
export function instructionsOutput(plan: Pick<Planned<InstructionKeys>, 'keys'>, shard: Shard): Output<Instruction> {
  return plan.keys.prompts === undefined ? extractStage.at(plan, shard) : promptsStage.at(plan, shard);
}

/** The outputs that say which instructions of a shard are to be answered: all that are extracted, or those that the filters keep. */
export function instructionOutputs(plan: Pick<Planned<InstructionKeys & FilterKeys>, 'keys'>, shard: Shard): OutputRef[] {
  return [instructionsOutput(plan, shard), ...(plan.keys.filter === undefined ? [] : [filterStage.at(plan, shard)])];
}
