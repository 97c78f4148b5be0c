import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { modelCard } from '../../export/model-card';
import { variantTitle } from '../../report/gather/variant-kind';
import type { OpenStore } from '../../services/runs/open-store';
import { fileSha256 } from '../../services/store/file-hash';
import { CHECKPOINT_FOLDER } from '../../services/store/stage-files';
import { detailOf } from '../../services/store/stored-output';
import { evaluateStage } from '../../stages/evaluate';
import { mixStage } from '../../stages/mix';
import type { EvaluateResult } from '../../stages/python-results';
import type { RunPlan } from '../../stages/run-plan';
import { CliError } from '../terminal/errors';
import { checkpointFolder, type TrainedModel } from './trained-model';

export interface ModelFolderOptions {
  readonly opened: OpenStore;
  readonly id: string;
  readonly plan: RunPlan;
  readonly model: TrainedModel;
  /** Folder to write; it is there whole or not at all. */
  readonly folder: string;
}

/** Copies a checkpoint with its card. */
export async function writeModelFolder({ opened, id, plan, model, folder }: ModelFolderOptions): Promise<void> {
  if ((await readdir(folder).catch(() => [])).length > 0) {
    throw new CliError(`${folder} is there already, and not empty`, { hint: 'name another folder, or remove it' });
  }
  const from = await checkpointFolder(opened, plan, model);
  const part = `${folder}.part-${process.pid}`;
  try {
    for (const { file, sha256 } of model.files) {
      const name = relative(CHECKPOINT_FOLDER, file).split(sep).join('/');
      const path = join(part, name);
      await mkdir(dirname(path), { recursive: true });
      await copyFile(join(from, name), path);
      if ((await fileSha256(path)) !== sha256) throw new CliError(`the copy of ${name} is not what is stored`, { hint: 'check the disk' });
    }
    await writeFile(join(part, 'README.md'), await cardOf({ opened, id, plan, model }));
    await rm(folder, { recursive: true, force: true }); // empty
    await mkdir(dirname(folder), { recursive: true });
    await rename(part, folder);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

/** The files of a checkpoint and its card, by their names: absolute paths. @param scratch folder for the card */
export async function modelFiles(of: Omit<ModelFolderOptions, 'folder'>, scratch: string): Promise<Record<string, string>> {
  const from = await checkpointFolder(of.opened, of.plan, of.model);
  const card = join(scratch, 'README.md');
  await writeFile(card, await cardOf(of));
  const names = of.model.files.map(({ file }) => relative(CHECKPOINT_FOLDER, file).split(sep).join('/'));
  return { ...Object.fromEntries(names.map((name) => [name, join(from, name)])), 'README.md': card };
}

async function cardOf({ opened: { stages }, id, plan, model }: Omit<ModelFolderOptions, 'folder'>): Promise<string> {
  const { name } = model.variant;
  const evaluated = async (variant: string): Promise<EvaluateResult | undefined> => {
    if (plan.keys.variants[variant]?.evaluate === undefined) return undefined;
    const found = await stages.find(evaluateStage.at(plan, variant));
    return found === undefined ? undefined : detailOf(found);
  };
  const mixed = plan.keys.variants[name]?.mix === undefined ? undefined : await stages.find(mixStage.at(plan, name));
  return modelCard({
    runId: id,
    spec: plan.spec,
    variant: name,
    replay: variantTitle(model.variant),
    training: model.training,
    mixture: mixed === undefined ? undefined : detailOf(mixed),
    before: await evaluated('official'),
    after: await evaluated(name),
    key: model.key,
  });
}
