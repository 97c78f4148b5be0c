import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { findOnPath } from '../../../services/local/find-on-path';
import { ensureGoTool } from '../../../services/local/go-tool';
import { projectDir } from '../../../services/local/paths';
import { ensureTemporal } from '../../../services/local/temporal-server';
import { ensureRedis } from '../redis-server';
import { quietReporter } from '../temporal';
import type { Service } from './compose-file';

/** Where a service runs instead of in its container. */
export interface Place {
  /** Its own address: what it listens on, on the ports that it has in its container. */
  readonly address: string;
  /** Folder of this machine that is mounted at a path of the container. */
  readonly mounted: (path: string) => string;
  /** For what the image would hold and this machine lacks. */
  readonly folder: string;
}

/** A container's main process as one of this machine. */
export interface NativeProgram {
  readonly command: string;
  readonly args: readonly string[];
  /** What its image sets, or what ties it to its place. */
  readonly env?: Readonly<Record<string, string>>;
}

type Native = (service: Service, place: Place) => Promise<NativeProgram>;

/** How the images of docker-compose.yml run without a container; the servers of Temporal at the very version of their image. */
const NATIVE: Readonly<Record<string, Native>> = {
  postgres: async ({ command = [], environment = {} }, { address, mounted }) => {
    const data = mounted('/var/lib/postgresql/data');
    const prefix = asOrdinaryUser(data);
    const run = (name: string, ...rest: string[]): string[] => [...prefix, join(postgresBinaries(), name), ...rest];
    if (!existsSync(join(data, 'PG_VERSION'))) {
      const words = join(dirname(data), 'password');
      writeFileSync(words, environment['POSTGRES_PASSWORD'] ?? '', { mode: 0o644 });
      const [first, ...rest] = run(
        'initdb',
        '-D',
        data,
        '-U',
        environment['POSTGRES_USER'] ?? '',
        `--pwfile=${words}`,
        '--auth-host=scram-sha-256',
      );
      execFileSync(first!, rest, { stdio: 'pipe', cwd: '/' });
      rmSync(words);
    }
    const [first, ...rest] = run('postgres', ...command.slice(1), '-D', data, '-h', address, '-k', dirname(data));
    return await Promise.resolve({ command: first!, args: rest });
  },
  redis: async ({ command = [] }, { address, mounted }) => ({
    command: await ensureRedis(),
    args: [...command.slice(1), '--bind', address, '--dir', mounted('/data')],
  }),
  'temporalio/admin-tools': async ({ entrypoint = [], image }, { folder }) => {
    const sql = await ensureGoTool(quietReporter, {
      name: 'sql',
      package: 'go.temporal.io/server/cmd/tools/sql',
      version: `v${tagOf(image)}`,
      expectedLines: 1_200,
    });
    return {
      command: entrypoint[0]!,
      args: entrypoint.slice(1),
      env: { PATH: pathOf(folder, { 'temporal-sql-tool': sql, temporal: (await ensureTemporal(quietReporter)).path }) },
    };
  },
  'temporalio/server': async ({ image }) => ({
    command: await ensureGoTool(quietReporter, {
      name: 'server',
      package: 'go.temporal.io/server/cmd/server',
      version: `v${tagOf(image)}`,
      expectedLines: 1_600,
    }),
    args: ['start'],
  }),
  'rehearse-worker': ours,
  'rehearse-trainer': ours,
};

/** @throws Error for an image that nobody has said how to run */
export async function nativeProgram(service: Service, place: Place): Promise<NativeProgram> {
  const native = NATIVE[service.image.split(':')[0]!];
  if (native === undefined) throw new Error(`nobody has said how ${service.image} runs without a container`);
  return await native(service, place);
}

/** The ENTRYPOINT and the ENV of our own Dockerfile. */
async function ours({ command = [] }: Service, { mounted }: Place): Promise<NativeProgram> {
  const text = readFileSync(join(projectDir(), 'deploy', 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
  const [, entrypoint] = /^ENTRYPOINT (\[.*\])$/m.exec(text) ?? [];
  const [first, ...rest] = JSON.parse(entrypoint ?? '[]') as string[];
  const [, pairs = ''] = /^ENV (.*)$/m.exec(text) ?? [];
  const env = Object.fromEntries([...pairs.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, mounted(value)]));
  return await Promise.resolve({ command: first === 'node' ? process.execPath : first!, args: [...rest, ...command], env });
}

function tagOf(image: string): string {
  return image.split(':')[1]!;
}

/** A folder with these commands, before all others. */
function pathOf(folder: string, commands: Readonly<Record<string, string>>): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, target] of Object.entries(commands)) {
    if (!existsSync(join(folder, name))) symlinkSync(target, join(folder, name));
  }
  return `${folder}:${process.env['PATH'] ?? ''}`;
}

/** Where PostgreSQL's programs are; Debian keeps them off PATH. @throws Error where there are none */
export function postgresBinaries(): string {
  const versions = '/usr/lib/postgresql';
  const debian = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a))[0] : undefined;
  if (debian !== undefined) return join(versions, debian, 'bin');
  const found = findOnPath('initdb');
  if (found === undefined) throw new Error('PostgreSQL is not installed; on Debian: apt install postgresql');
  return dirname(found);
}

/** What makes a program run as PostgreSQL's own user, whom the folder then belongs to, where this is root: as root it refuses to run. */
function asOrdinaryUser(data: string): readonly string[] {
  mkdirSync(data, { recursive: true });
  if (process.getuid?.() !== 0) return [];
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  const [uid, gid] = [id('-u'), id('-g')];
  for (const folder of [dirname(data), data]) chownSync(folder, uid, gid);
  chmodSync(data, 0o700);
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--'];
}

/** A folder that another user can enter, for PostgreSQL's data. */
export function openFolder(): string {
  const folder = mkdtempSync('/tmp/rehearse-postgresql-');
  chmodSync(folder, 0o755);
  return folder;
}
