import { formatCount } from '../../contract/figures';
import type { ExportStage } from '../../export/export-rows';
import { writeDataset, type PublishOptions } from '../../export/publish-dataset';
import { pushDataset, type PushOptions } from '../../export/push-dataset';
import { CliError, UsageError } from '../terminal/errors';
import { note } from '../terminal/loudness';
import { plainText } from '../terminal/output';
import { coverageNotices } from './coverage-notices';

/** Where a data set is pushed to. */
type Destination = Pick<PushOptions, 'name' | 'token' | 'hubUrl' | 'isPrivate'>;

/** Before anything is written: a push that cannot come off is said at once. */
export function checkDestination({
  dataset,
  push,
  isPrivate,
}: {
  readonly dataset: string | undefined;
  readonly push: string | undefined;
  readonly isPrivate: boolean;
}): Destination | undefined {
  if (push === undefined) {
    if (isPrivate) throw new UsageError('--private says how --push is done', { hint: 'add --push OWNER/NAME' });
    return undefined;
  }
  if (dataset === undefined) throw new UsageError('only a data set is pushed', { hint: 'name a folder for it with --dataset FOLDER' });
  if (!/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(push)) {
    throw new UsageError(`"${push}" names no data set of the hub`, { hint: 'give OWNER/NAME, such as my-team/replay-set' });
  }
  const { HF_TOKEN: token = '', HF_ENDPOINT: endpoint = '' } = process.env;
  if (token === '') {
    throw new UsageError('HF_TOKEN is not set', { hint: 'set it to a token of the hub with write access, as an environment variable' });
  }
  const hubUrl = (endpoint === '' ? 'https://huggingface.co' : endpoint).replace(/\/+$/, '');
  if (!/^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$))/.test(hubUrl)) {
    throw new UsageError(`HF_ENDPOINT is ${hubUrl}, and a token is only sent over https`, {
      hint: 'give an https URL, or one of this machine',
    });
  }
  return { name: push, token, hubUrl, isPrivate };
}

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
  const { url, commit, existed } = await pushDataset({ ...destination, folder: options.folder, title });
  process.stderr.write(
    `rehearse: pushed to ${url} (commit ${plainText(commit)}${existed ? '' : `; a new ${destination.isPrivate ? 'private' : 'public'} data set`})\n`,
  );
}
