import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Why a data set could not be pushed; a sentence with the way out, without the token. */
export class PushError extends Error {
  override readonly name = 'PushError';
}

export interface PushOptions {
  /** Folder that `writeDataset` wrote. */
  readonly folder: string;
  /** OWNER/NAME of the data set on the hub. */
  readonly name: string;
  /** A user access token that may write there. */
  readonly token: string;
  /** Such as `https://huggingface.co`. */
  readonly hubUrl: string;
  readonly isPrivate: boolean;
  /** Message of the commit. */
  readonly title: string;
}

export interface PushedDataset {
  readonly url: string;
  readonly commit: string;
  /** Whether the repository was there before; its earlier files stay in its history. */
  readonly existed: boolean;
}

const FILES = ['README.md', 'data/train.parquet'] as const;

/**
 * Puts a data set on the hub as one commit, so that it is there whole or not at all. The repository is made when there is none.
 * @throws PushError where the hub refuses or cannot be reached, or where a repository that is to be private is not
 */
export async function pushDataset({ folder, name, token, hubUrl, isPrivate, title }: PushOptions): Promise<PushedDataset> {
  const { commit, createRepo, datasetInfo, HubApiError } = await import('@huggingface/hub');
  const repo = { type: 'dataset', name } as const;
  const access = { accessToken: token, hubUrl };
  try {
    const existed = await createRepo({ repo, visibility: isPrivate ? 'private' : 'public', ...access }).then(
      () => false,
      (error: unknown) => {
        if (error instanceof HubApiError && error.statusCode === 409) return true;
        throw error;
      },
    );
    if (existed && isPrivate && !(await datasetInfo({ name, ...access })).private) {
      throw new PushError(
        `the data set ${name} is there already, and public; make it private in its settings, name another, or leave out --private`,
      );
    }
    const made = await commit({
      repo,
      title,
      ...access,
      operations: FILES.map((file) => ({ operation: 'addOrUpdate', path: file, content: pathToFileURL(join(folder, file)) })),
    });
    return { url: `${hubUrl}/datasets/${name}`, commit: made?.commit.oid ?? '', existed };
  } catch (error) {
    if (error instanceof PushError) throw error;
    const status = error instanceof HubApiError ? error.statusCode : undefined;
    throw new PushError(`${sentence(status, name, hubUrl, error).replaceAll(token, '…')}; the files are in ${folder}`, { cause: status });
  }
}

function sentence(status: number | undefined, name: string, hubUrl: string, error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  if (status === 401) return `${hubUrl} does not know the token in HF_TOKEN (HTTP 401); make one under its settings, with write access`;
  if (status === 403) return `the token in HF_TOKEN may not write to ${name} (HTTP 403); give it write access, or name one of your own`;
  if (status !== undefined) return `${hubUrl} refuses the data set ${name} (HTTP ${status}: ${said})`;
  return `${hubUrl} cannot be reached for pushing ${name} (${said}); try again, or set HF_ENDPOINT`;
}
