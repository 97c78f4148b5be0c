import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { TokenizerFacts } from '../../templates/read-template';
import { TemplateNotReadError } from './template-error';
import { factsOfFiles, type ModelFiles } from './tokenizer-files';

const MOST_FILE_BYTES = 64 << 20;
/** Of each request; whoever plans a run without a network does not wait for long. */
const TIMEOUT_MS = 15_000;

/** What of the environment says where the hub and its cache are. Names as in the huggingface_hub package. */
export type HubEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a chat template from a repository of the hub: the small files alone. Where a commit is pinned and its files are in the cache
 * that Python's packages share, they are taken from there; so they are where the hub may not or cannot be asked.
 * @throws TemplateNotReadError with the way out; passing where the hub cannot be reached
 */
export async function factsOfHub(id: string, revision: string | undefined, env: HubEnvironment): Promise<TokenizerFacts> {
  const source = { kind: 'hub', place: id, ...(revision === undefined ? {} : { revision }) } as const;
  const cached = await cachedFiles(id, revision ?? 'main', env);
  const isOffline = /^(1|true|yes|on)$/i.test(env['HF_HUB_OFFLINE'] ?? '');
  if (cached !== undefined && (isOffline || /^[0-9a-f]{40}$/.test(revision ?? ''))) return await factsOfFiles(cached, source);
  if (isOffline) throw new TemplateNotReadError(`${id} is not in the cache of the hub, and HF_HUB_OFFLINE is set`, true);
  try {
    return await factsOfFiles(hubFiles(id, revision, env), source);
  } catch (error) {
    if (cached === undefined || !(error instanceof TemplateNotReadError) || !error.isPassing) throw error;
    return await factsOfFiles(cached, source);
  }
}

function hubFiles(id: string, revision: string | undefined, env: HubEnvironment): ModelFiles {
  const hubUrl = (env['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '');
  const token = env['HF_TOKEN'] || undefined;
  return async (name) => {
    const { downloadFile, fileDownloadInfo } = await import('@huggingface/hub');
    const asked = {
      repo: { type: 'model', name: id },
      path: name,
      hubUrl,
      ...(revision === undefined ? {} : { revision }),
      ...(token === undefined ? {} : { accessToken: token }),
      fetch: async (...[url, init]: Parameters<typeof fetch>) => await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), ...init }),
    } as const;
    try {
      const info = await fileDownloadInfo(asked);
      if (info === null) return undefined;
      if (info.size > MOST_FILE_BYTES) {
        throw new TemplateNotReadError(`${name} of ${id} has ${info.size} bytes, more than such a file needs`, false);
      }
      return await (await downloadFile({ ...asked, downloadInfo: info }))?.text();
    } catch (cause) {
      throw await asTemplateError(cause, { id, revision, hubUrl, token });
    }
  };
}

async function asTemplateError(
  cause: unknown,
  {
    id,
    revision,
    hubUrl,
    token,
  }: { readonly id: string; readonly revision: string | undefined; readonly hubUrl: string; readonly token: string | undefined },
): Promise<Error> {
  if (cause instanceof TemplateNotReadError) return cause;
  const { HubApiError } = await import('@huggingface/hub');
  const status = cause instanceof HubApiError ? cause.statusCode : undefined;
  const where = revision === undefined ? id : `${id} at revision ${revision}`;
  if (status === 401 || status === 403) {
    const way = token === undefined ? 'set HF_TOKEN to one that may read it' : 'accept its terms on the hub with the account of HF_TOKEN';
    return new TemplateNotReadError(
      `${hubUrl} does not show ${where} (HTTP ${status}), which is gated, private or not there; ${way}`,
      false,
      { cause },
    );
  }
  if (status === 404) return new TemplateNotReadError(`${hubUrl} has no ${where} (HTTP 404)`, false, { cause });
  const said = status === undefined ? causeOf(cause) : `HTTP ${status}`;
  const text = token === undefined ? said : said.replaceAll(token, '…');
  return new TemplateNotReadError(`${hubUrl} cannot be asked for ${where} (${text})`, true, { cause: status });
}

function causeOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return (inner as NodeJS.ErrnoException | undefined)?.code ?? (inner instanceof Error ? inner.message : String(inner));
}

/** Files of a revision in the hub's cache on this machine; undefined where it has none. */
async function cachedFiles(id: string, revision: string, env: HubEnvironment): Promise<ModelFiles | undefined> {
  const home = env['HF_HOME'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'huggingface');
  const repository = join(env['HF_HUB_CACHE'] || env['HUGGINGFACE_HUB_CACHE'] || join(home, 'hub'), `models--${id.replaceAll('/', '--')}`);
  const commit = (await textOf(join(repository, 'refs', revision)))?.trim() ?? revision;
  const folder = join(repository, 'snapshots', commit);
  const names = await readdir(folder).catch((): string[] => []);
  if (!names.includes('tokenizer_config.json') && !names.includes('chat_template.jinja')) return undefined;
  return async (name) => await textOf(join(folder, name));
}

async function textOf(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch(() => undefined);
}
