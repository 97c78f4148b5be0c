import { pathToFileURL } from 'node:url';

/** Why a data set or a model could not be pushed; a sentence with the way out, without the token. */
export class PushError extends Error {
  override readonly name = 'PushError';
}

export interface PushOptions {
  readonly type: 'dataset' | 'model';
  /** Absolute paths of the files, by their paths in the repository. */
  readonly files: Readonly<Record<string, string>>;
  /** OWNER/NAME on the hub. */
  readonly name: string;
  /** A user access token that may write there. */
  readonly token: string;
  /** Such as `https://huggingface.co`. */
  readonly hubUrl: string;
  readonly isPrivate: boolean;
  /** Message of the commit. */
  readonly title: string;
}

export interface PushedRepository {
  readonly url: string;
  readonly commit: string;
  /** Whether the repository was there before; its earlier files stay in its history. */
  readonly existed: boolean;
}

const KINDS = { dataset: 'data set', model: 'model' } as const;

/**
 * Puts a data set or a model on the hub as one commit, so that it is there whole or not at all. The repository is made when there is none.
 * @throws PushError where the hub refuses or cannot be reached, or where a repository that is to be private is not
 */
export async function pushRepository(options: PushOptions): Promise<PushedRepository> {
  const { type, files, name, token, hubUrl, isPrivate, title } = options;
  const { commit, createRepo, datasetInfo, modelInfo, HubApiError } = await import('@huggingface/hub');
  const repo = { type, name } as const;
  const what = KINDS[type];
  const access = { accessToken: token, hubUrl };
  try {
    const existed = await createRepo({ repo, visibility: isPrivate ? 'private' : 'public', ...access }).then(
      () => false,
      (error: unknown) => {
        if (error instanceof HubApiError && error.statusCode === 409) return true;
        throw error;
      },
    );
    if (
      existed &&
      isPrivate &&
      !(type === 'dataset' ? await datasetInfo({ name, ...access }) : await modelInfo({ name, ...access })).private
    ) {
      throw new PushError(
        `the ${what} ${name} is there already, and public; make it private in its settings, name another, or leave out --private`,
      );
    }
    const made = await commit({
      repo,
      title,
      ...access,
      operations: Object.entries(files).map(([path, file]) => ({ operation: 'addOrUpdate', path, content: pathToFileURL(file) })),
    });
    return { url: `${hubUrl}/${type === 'dataset' ? 'datasets/' : ''}${name}`, commit: made?.commit.oid ?? '', existed };
  } catch (error) {
    if (error instanceof PushError) throw error;
    const status = error instanceof HubApiError ? error.statusCode : undefined;
    throw new PushError(`${sentence(status, `${what} ${name}`, hubUrl, error).replaceAll(token, '…')}`, { cause: status });
  }
}

function sentence(status: number | undefined, repository: string, hubUrl: string, error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  if (status === 401) return `${hubUrl} does not know the token in HF_TOKEN (HTTP 401); make one under its settings, with write access`;
  if (status === 403) {
    return `the token in HF_TOKEN may not write to the ${repository} (HTTP 403); give it write access, or name one of your own`;
  }
  if (status !== undefined) return `${hubUrl} refuses the ${repository} (HTTP ${status}: ${said})`;
  return `${hubUrl} cannot be reached for pushing the ${repository} (${said}); try again, or set HF_ENDPOINT`;
}
