import type { PushOptions } from '../../export/push-repository';
import { UsageError } from '../terminal/errors';

/** Where something is pushed to. */
export type Destination = Pick<PushOptions, 'name' | 'token' | 'hubUrl' | 'isPrivate'>;

/** Before anything is written: a push that cannot come off is said at once. @throws UsageError */
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
  return hubDestination(push, isPrivate, 'data set', 'my-team/replay-set');
}

/** A repository of the hub, and the token that the environment has for it. @throws UsageError where either is not there */
export function hubDestination(push: string, isPrivate: boolean, what: string, example: string): Destination {
  if (!/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(push)) {
    throw new UsageError(`"${push}" names no ${what} of the hub`, { hint: `give OWNER/NAME, such as ${example}` });
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
