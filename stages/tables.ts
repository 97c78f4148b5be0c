import type { HeldOutRow, HeldOutSet } from '../method/hold-out';
import type { Contamination, EvaluationDocument } from '../method/quality/contamination';
import type { DropReason } from '../method/quality/instruction-filter';
import type { Conversation, Failure, Instruction, Judgment, MixtureRow, ReplayRow, Response } from '../method/records';
import type { CallRecord } from './call-record';
import type { Table } from './table';

export const instructionTable: Table<Instruction> = {
  schema: { id: 'string', text: 'string', model: 'string', finishReason: 'string', seed: 'int', attempts: 'int', usage: 'json' },
  optional: [],
};

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
  /** Start of the text's SHA-256: other texts are other rows, so that what follows from them is made anew. */
  readonly fingerprint: string;
}

export const filterTable: Table<FilterRow> = {
  schema: { instructionId: 'string', kept: 'boolean', reason: 'string', detail: 'string', matches: 'json', fingerprint: 'string' },
  optional: ['matches'],
};

export const documentTable: Table<EvaluationDocument> = { schema: { task: 'string', id: 'string', text: 'string' }, optional: [] };

export const responseTable: Table<Response> = {
  schema: {
    id: 'string',
    instructionId: 'string',
    model: 'string',
    sample: 'int',
    text: 'string',
    finishReason: 'string',
    seed: 'int',
    attempts: 'int',
    usage: 'json',
  },
  optional: [],
};

export const judgmentTable: Table<Judgment> = {
  schema: {
    id: 'string',
    responseId: 'string',
    instructionId: 'string',
    judge: 'string',
    score: 'double',
    scoredBy: 'string',
    raw: 'string',
    ratingMass: 'double',
    reason: 'string',
    seed: 'int',
    attempts: 'int',
    usage: 'json',
  },
  optional: ['ratingMass', 'reason'],
};

export const replayTable: Table<ReplayRow> = {
  schema: {
    instructionId: 'string',
    responseId: 'string',
    instruction: 'string',
    response: 'string',
    model: 'string',
    finishReason: 'string',
    meanScore: 'double',
    scores: 'json',
    messages: 'json',
  },
  optional: [],
};

export const conversationTable: Table<Conversation> = { schema: { id: 'string', messages: 'json', cut: 'boolean' }, optional: ['cut'] };

export const heldOutTable: Table<HeldOutRow> = {
  schema: { set: 'string', id: 'string', messages: 'json', cut: 'boolean' },
  optional: ['cut'],
};

export const mixtureTable: Table<MixtureRow> = {
  schema: { id: 'string', source: 'string', messages: 'json', cut: 'boolean' },
  optional: ['cut'],
};

export const failureTable: Table<Failure> = {
  schema: { stage: 'string', id: 'string', model: 'string', reason: 'string', attempts: 'int' },
  optional: [],
};

export const callTable: Table<CallRecord> = {
  schema: { item: 'string', call: 'int', request: 'string', at: 'string', ms: 'double', reply: 'string', error: 'json', counted: 'json' },
  optional: ['reply', 'error', 'counted'],
};

/** One optimizer step of a training. */
export interface LossRow {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number | null;
  readonly gradNorm: number | null;
}

export const lossTable: Table<LossRow> = {
  schema: { step: 'int', loss: 'double', learningRate: 'double', gradNorm: 'double' },
  optional: [],
};

/** One document of an evaluation. */
export interface SampleRow {
  readonly task: string;
  readonly docId: string;
  readonly docHash: string;
  readonly promptHash: string;
  readonly correct: boolean | null;
  readonly score: number | null;
  /** Where a document is a list of rules to keep, as in IFEval: how many, and how many were kept. */
  readonly rules?: number;
  readonly rulesKept?: number;
}

/** Loss of a model on one conversation that it was not trained on. */
export interface HeldOutLossRow {
  readonly set: HeldOutSet;
  readonly id: string;
  /** Mean over its assistant tokens, in nats. */
  readonly loss: number;
  readonly tokens: number;
}

export const heldOutLossTable: Table<HeldOutLossRow> = {
  schema: { set: 'string', id: 'string', loss: 'double', tokens: 'int' },
  optional: [],
};

export const sampleTable: Table<SampleRow> = {
  schema: {
    task: 'string',
    docId: 'string',
    docHash: 'string',
    promptHash: 'string',
    correct: 'boolean',
    score: 'double',
    rules: 'int',
    rulesKept: 'int',
  },
  optional: ['rules', 'rulesKept'],
};
