import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunSpec } from '../config/spec';
import { HELD_OUT_SETS, type HeldOutRow } from '../method/hold-out';
import { writeConversations } from '../services/data/conversations';
import { readJsonLines } from '../services/data/json-lines';
import { conversationLossSchema } from '../services/python/python-protocol';
import type { HeldOutLossRow } from '../stages/evaluate-loss';
import { type EvaluateResult } from '../stages/python-results';

/** A file of conversations whose loss is asked for, as the evaluation's spec names it. */
export interface LossRequest {
  readonly name: string;
  readonly conversations: string;
  /** Tokens of one conversation; the rest is cut, as in training. */
  readonly maxLength: number;
  /** As in training. */
  readonly thoughts?: 'drop' | 'keep';
}

/** Writes the rows as one JSONL file a set below `folder`; sets without rows are left out. */
export async function lossRequests(
  rows: readonly HeldOutRow[],
  { folder, train: { maxLength, thoughts } }: { readonly folder: string; readonly train: Pick<RunSpec['train'], 'maxLength' | 'thoughts'> },
): Promise<LossRequest[]> {
  await mkdir(folder, { recursive: true });
  const requests: LossRequest[] = [];
  for (const name of HELD_OUT_SETS) {
    const ofSet = rows.filter(({ set }) => set === name);
    if (ofSet.length === 0) continue;
    const conversations = await writeConversations(join(folder, `${name}.jsonl`), ofSet);
    requests.push({ name, conversations, maxLength, ...(thoughts === undefined ? {} : { thoughts }) });
  }
  return requests;
}

/** The losses that an evaluation took, conversation by conversation. */
export async function readLosses({ losses = [] }: Pick<EvaluateResult, 'losses'>): Promise<HeldOutLossRow[]> {
  const rows: HeldOutLossRow[] = [];
  for (const { name, perConversation } of losses) {
    const set = HELD_OUT_SETS.find((each) => each === name);
    if (set === undefined) throw new Error(`the evaluation took the loss on "${name}", which was not asked for`);
    for await (const { row } of readJsonLines(perConversation)) rows.push({ set, ...conversationLossSchema.parse(row) });
  }
  return rows;
}
