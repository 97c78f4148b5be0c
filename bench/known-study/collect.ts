import { existsSync } from 'node:fs';
import { checkpointFolder, trainedModel } from '../../cli/trained/trained-model';
import { variantsOf } from '../../config/variants';
import { exportToFile } from '../../export/export-file';
import { exportStage, type ExportStage } from '../../export/export-rows';
import { gatherReport } from '../../report/gather/report-data';
import { documentFile, writeLines, type DocumentName, type RowCost } from './documents';
import type { StudyRun } from './study-run';

/** Writes a stage of a run as one of the documents, once. */
export async function collectStage({ opened, plan }: StudyRun, folder: string, stage: ExportStage, name: DocumentName): Promise<void> {
  const path = documentFile(folder, name);
  if (existsSync(path)) return;
  await exportToFile(exportStage(stage, { stages: opened.stages, plan }), { path, format: 'jsonl' });
}

/** Writes what each row was trained on and what it took, once. */
export async function collectCosts(run: StudyRun, folder: string): Promise<void> {
  const path = documentFile(folder, 'rows');
  if (existsSync(path)) return;
  const { opened, runId, plan } = run;
  const { variants } = await gatherReport({ ...opened, runId, now: new Date() });
  const rows: RowCost[] = [];
  for (const { name, replay, examples, tokens, steps, dataCost, kind } of variants) {
    const trained = kind === 'official' ? undefined : await trainedModel(opened, runId, plan, name);
    rows.push({
      row: name,
      title: replay,
      replayExamples: examples?.replay ?? null,
      newExamples: examples?.new ?? null,
      steps,
      trainTokens: tokens,
      trainSeconds: trained === undefined || trained.training.kind === 'fine-tuning' ? null : trained.training.seconds,
      dataTokens: dataCost?.tokens ?? null,
    });
  }
  writeLines(path, rows);
}

/** The models of a run's rows: name and folder of the weights. @param closed of the model that they were trained from */
export async function modelsOf({ opened, runId, plan }: StudyRun, closed: string): Promise<(readonly [string, string])[]> {
  const models: (readonly [string, string])[] = [];
  for (const { name, replay } of variantsOf(plan.spec)) {
    models.push([name, replay === null ? closed : await checkpointFolder(opened, plan, await trainedModel(opened, runId, plan, name))]);
  }
  return models;
}
