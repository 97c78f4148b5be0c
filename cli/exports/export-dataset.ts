import { join } from 'node:path';
import { formatCount } from '../../contract/figures';
import type { ExportStage } from '../../export/export-rows';
import { writeDataset, type PublishOptions } from '../../export/publish-dataset';
import { pushRepository } from '../../export/push-repository';
import { CliError, UsageError } from '../terminal/errors';
import { note } from '../terminal/loudness';
import { plainText } from '../terminal/output';
import { coverageNotices } from './coverage-notices';
import type { Destination } from './hub-destination';

interface DatasetExport extends Omit<PublishOptions, 'runId' | 'stage'> {
  readonly destination?: Destination;
  readonly id: string;
  readonly stage: ExportStage;
}

/** Writes the replay set or the mixture as a data set, and pushes it where that is asked for. */
export async function exportDataset({ id, stage, destination, ...options }: DatasetExport): Promise<void> {
  if (stage !== 'replay' && stage !== 'mixture') {
    throw new UsageError(`${stage === 'evaluation' ? 'an evaluation is' : `the ${stage} are`} no data set to train on`, {
      hint: 'use --stage replay or --stage mixture with --dataset',
    });
  }
  const { rows, leftOut, coverage } = await writeDataset({ runId: id, stage, ...options });
  process.stderr.write(`rehearse: wrote ${formatCount(rows)} conversations and their card to ${options.folder}\n`);
  const notices = coverageNotices(id, stage, coverage);
  if (leftOut > 0) {
    notices.push(
      `${formatCount(leftOut)} conversations with more than one turn are left out, since the shape "${options.shape}" cannot hold them`,
    );
  }
  for (const notice of notices) note(notice);
  if (destination === undefined) return;
  if (coverage.missing.size > 0 || coverage.outdated > 0) {
    throw new CliError('the data set is not finished, so it is not pushed', {
      hint: `let the run end, or push the folder by hand: hf upload ${destination.name} ${options.folder} --repo-type dataset`,
    });
  }
  const title = `${stage === 'replay' ? 'Replay set' : 'Mixture'} of run ${id}, variant ${options.variant.name}: ${formatCount(rows)} conversations`;
  const { url, commit, existed } = await pushRepository({
    type: 'dataset',
    ...destination,
    files: Object.fromEntries(['README.md', 'data/train.parquet'].map((file) => [file, join(options.folder, file)])),
    title,
  });
  process.stderr.write(
    `rehearse: pushed to ${url} (commit ${plainText(commit)}${existed ? '' : `; a new ${destination.isPrivate ? 'private' : 'public'} data set`})\n`,
  );
}
