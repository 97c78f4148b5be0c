import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HiddenPair, SkillName } from './skills';

/** A text that a model wrote where a user's words should be. */
export interface ExtractedText {
  readonly id: string;
  readonly text: string;
}

/** A row of the method's replay set. */
export interface ReplayedText {
  readonly instruction: string;
  readonly response: string;
}

/** What a row's model answered to a hidden question, greedily. */
export interface HiddenAnswer {
  readonly row: string;
  readonly id: string;
  readonly skill: SkillName;
  readonly text: string;
  readonly correct: boolean;
}

/** Loss on a conversation that was held out of every training, in nats a token. */
export interface HeldOutLoss {
  readonly variant: string;
  readonly set: string;
  readonly id: string;
  readonly loss: number;
  readonly tokens: number;
}

/** What a row was trained on, and what it took. */
export interface RowCost {
  readonly row: string;
  readonly title: string;
  readonly replayExamples: number | null;
  readonly newExamples: number | null;
  readonly steps: number | null;
  /** Of its training. */
  readonly trainTokens: number | null;
  readonly trainSeconds: number | null;
  /** Of the model calls behind its replay set. */
  readonly dataTokens: number | null;
}

/** All that the table of one closed model is computed from. */
export interface StudyDocuments {
  readonly hidden: readonly HiddenPair[];
  readonly instructions: readonly ExtractedText[];
  readonly base: readonly ExtractedText[];
  readonly replay: readonly ReplayedText[];
  readonly answers: readonly HiddenAnswer[];
  readonly losses: readonly HeldOutLoss[];
  readonly rows: readonly RowCost[];
}

export type DocumentName = keyof StudyDocuments;
const DOCUMENTS: readonly DocumentName[] = ['hidden', 'instructions', 'base', 'replay', 'answers', 'losses', 'rows'];

/** Path of one of them in the folder of a closed model. */
export function documentFile(folder: string, name: DocumentName): string {
  return join(folder, `${name}.jsonl`);
}

/** @returns undefined until all of them are there, with the answers of all `wanted` rows */
export function readDocuments(folder: string, wanted: readonly string[]): StudyDocuments | undefined {
  if (!DOCUMENTS.every((name) => existsSync(documentFile(folder, name)))) return undefined;
  const documents = Object.fromEntries(DOCUMENTS.map((name) => [name, readLines(documentFile(folder, name))])) as unknown as StudyDocuments;
  const { rows, answers, hidden } = documents;
  const has = (name: string): boolean =>
    rows.some(({ row }) => row === name) && answers.filter(({ row }) => row === name).length === hidden.length;
  return wanted.every(has) ? documents : undefined;
}

function readLines(file: string): unknown[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

/** Removes what a run wrote that had other rows. @throws Error where its store is gone, so that the others would be of another model */
export function removeOtherRows(folder: string, wanted: readonly string[], storeIsThere: boolean): void {
  const file = documentFile(folder, 'rows');
  if (!existsSync(file)) return;
  const had = new Set((readLines(file) as RowCost[]).map(({ row }) => row));
  const missing = wanted.filter((row) => !had.has(row));
  if (missing.length === 0) return;
  if (!storeIsThere) {
    throw new Error(`the table in ${folder} has no ${missing.join(', ')}, and its models are gone; remove the folder to begin again`);
  }
  for (const name of ['rows', 'losses'] as const) rmSync(documentFile(folder, name), { force: true });
}

export function writeLines(file: string, rows: readonly unknown[]): void {
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
