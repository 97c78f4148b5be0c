import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import { encryptingConverter } from '../../services/codec/aes-gcm-codec';
import { localServer } from '../../services/local/temporal-server';
import { CliError, EXIT } from '../terminal/errors';

/** Where the server is, from TEMPORAL_* variables and the profile in temporal.toml (@temporalio/envconfig). */
export interface Connected {
  readonly client: Client;
  readonly connection: Connection;
  readonly namespace: string;
  readonly address: string;
}

const CONNECT_TIMEOUT_MS = 5_000;
const WAY_OUT = 'start one with "npx rehearse dev", or set TEMPORAL_ADDRESS (or TEMPORAL_PROFILE) to yours';

/** The address that the environment or a profile names, if any. */
export function configuredAddress(): string | undefined {
  const { address } = loadClientConnectConfig().connectionOptions;
  return address === undefined || address === '' ? undefined : String(address);
}

/** The configured server, else the dev server of this project, else the default port. */
function connectConfig(): { readonly options: NativeConnectionOptions & { readonly address: string }; readonly namespace: string } {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = configuredAddress() ?? localServer()?.address ?? 'localhost:7233';
  return { options: { ...connectionOptions, address }, namespace };
}

/** Connects a client. @throws CliError when no server answers */
export async function connect(): Promise<Connected> {
  const { options, namespace } = connectConfig();
  const dataConverter = encryptingConverter(process.env);
  try {
    const connection = await Connection.connect({ ...options, connectTimeout: CONNECT_TIMEOUT_MS });
    return { client: new Client({ connection, namespace, dataConverter }), connection, namespace, address: options.address };
  } catch (cause) {
    throw new CliError(`no Temporal server answers at ${options.address}`, { hint: WAY_OUT, exitCode: EXIT.unavailable, cause });
  }
}

/** Connects a client for one piece of work, and closes it after. @throws CliError when no server answers */
export async function withClient<T>(work: (connected: Connected) => Promise<T>): Promise<T> {
  const connected = await connect();
  try {
    return await work(connected);
  } finally {
    await connected.connection.close();
  }
}

/** Connects the workers' native side. @throws CliError when no server answers */
export async function connectNative(): Promise<{ readonly connection: NativeConnection; readonly namespace: string }> {
  const { options, namespace } = connectConfig();
  try {
    return { connection: await NativeConnection.connect(options), namespace };
  } catch (cause) {
    throw new CliError(`no Temporal server answers at ${options.address}`, { hint: WAY_OUT, exitCode: EXIT.unavailable, cause });
  }
}

/**
 * Page of a run in the Web UI, where we know of one: REHEARSE_UI_URL (empty: there is none), or the dev server of this project.
 * @param workflowRunId opens the page that says in words where the run stands; without it, the UI opens its history
 */
export function webUiUrl(runId: string, namespace = 'default', workflowRunId?: string): string | undefined {
  const page = webUiPage(namespace);
  if (page === undefined) return undefined;
  const run = `${page}/${encodeURIComponent(runId)}`;
  return workflowRunId === undefined ? run : `${run}/${encodeURIComponent(workflowRunId)}/user-metadata`;
}

/** The Web UI's list of experiments alone, without their child workflows. */
export function webUiListUrl(namespace = 'default'): string | undefined {
  const page = webUiPage(namespace);
  return page === undefined ? undefined : `${page}?query=${encodeURIComponent('`WorkflowType`="experiment"')}`;
}

function webUiPage(namespace: string): string | undefined {
  const base = process.env['REHEARSE_UI_URL'] ?? localServer()?.uiUrl;
  return base === undefined || base === '' ? undefined : `${base.replace(/\/$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows`;
}
