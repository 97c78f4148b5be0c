import { variantsOf } from '../../config/variants';
import { compareDocuments } from '../../report/gather/evaluation-report';
import { taskResultSchema, type TaskResult } from '../../services/python/python-protocol';
import { evaluateStage } from '../../stages/evaluate';
import type { SampleRow } from '../../stages/evaluate-task';
import { sha256 } from '../../stages/sha256';
import type { RunIndex } from '../index/run-index';

/** A document that was right before and is wrong after, or the other way round. */
export interface ChangedDocument {
  readonly task: string;
  readonly docId: string;
  readonly docHash: string;
  readonly target: string | null;
  readonly before: string | null;
  readonly after: string | null;
}

export interface TaskDocuments {
  readonly task: string;
  /** Why the two cannot be compared; null where they can. */
  readonly reason: string | null;
  readonly forgotten: readonly ChangedDocument[];
  readonly learned: readonly ChangedDocument[];
  readonly retained: number;
  readonly neverRight: number;
}

/** Documents that one variant's model answers otherwise than the official one. */
export interface DocumentsReport {
  /** Variants whose evaluation is stored. */
  readonly variants: readonly string[];
  readonly variant: string | undefined;
  /** Null where the official model's evaluation, or the variant's, is not stored yet. */
  readonly tasks: readonly TaskDocuments[] | null;
}

const OFFICIAL = 'official';

/** Forgotten and learned documents of a variant beside the official model, with what each wrote. */
export async function changedDocuments(index: RunIndex, wanted: string | null): Promise<DocumentsReport> {
  const { plan, opened } = index;
  const names = variantsOf(plan.spec).map(({ name }) => name);
  const stored: string[] = [];
  for (const name of names) {
    if ((await opened.stages.latest(evaluateStage.at(plan, name))) !== undefined) stored.push(name);
  }
  const variants = stored.filter((name) => name !== OFFICIAL);
  const variant = variants.find((name) => name === wanted) ?? variants[0];
  if (variant === undefined || !stored.includes(OFFICIAL)) return { variants, variant, tasks: null };
  const [before, after] = [await evaluationOf(index, OFFICIAL), await evaluationOf(index, variant)];
  const tasks = plan.spec.evaluate.tasks.map(({ task }): TaskDocuments => {
    const of = (rows: readonly SampleRow[]): SampleRow[] => rows.filter((row) => row.task === task);
    const compared = compareDocuments(of(before.rows), of(after.rows));
    if (!compared.comparable) return { task, reason: compared.reason, forgotten: [], learned: [], retained: 0, neverRight: 0 };
    const documents = (hashes: readonly string[]): ChangedDocument[] =>
      hashes.map((docHash) => ({
        task,
        docHash,
        docId: of(before.rows).find((row) => row.docHash === docHash)?.docId ?? docHash,
        target: before.answers.get(`${task} ${docHash}`)?.target ?? null,
        before: before.answers.get(`${task} ${docHash}`)?.filteredResponse ?? null,
        after: after.answers.get(`${task} ${docHash}`)?.filteredResponse ?? null,
      }));
    return {
      task,
      reason: null,
      forgotten: documents(compared.forgottenDocs),
      learned: documents(compared.learnedDocs),
      retained: compared.retained,
      neverRight: compared.neverRight,
    };
  });
  return { variants, variant, tasks };
}

type Sample = TaskResult['samples'][number];

/** A variant's documents, and by task and document what its model wrote, where the files of its tasks are stored. */
async function evaluationOf(
  { plan, opened: { stages, store } }: RunIndex,
  variant: string,
): Promise<{ readonly rows: readonly SampleRow[]; readonly answers: ReadonlyMap<string, Sample> }> {
  const evaluation = await stages.latest(evaluateStage.at(plan, variant));
  if (evaluation === undefined) return { rows: [], answers: new Map() };
  const answers = new Map<string, Sample>();
  for (const { address } of evaluation.manifest.inputs) {
    const manifest = await stages.latestManifest(address);
    for (const { file, sha256: hash } of manifest?.files ?? []) {
      if (!file.endsWith('.json')) continue;
      const data = await store.read(`${stages.folder(address)}/${file}`);
      const result =
        data === undefined || sha256(data) !== hash ? undefined : taskResultSchema.safeParse(JSON.parse(data.toString('utf8')));
      if (result?.success !== true) continue;
      for (const sample of result.data.samples) answers.set(`${result.data.task} ${sample.docHash}`, sample);
    }
  }
  return { rows: await stages.readRows(evaluation), answers };
}
