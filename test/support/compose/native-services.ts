import { execFile, spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { StackProcess } from '../../../bench/stack-process';
import { findOnPath } from '../../../services/local/find-on-path';
import { cacheDir, projectDir } from '../../../services/local/paths';
import type { Ended } from '../rehearse';
import type { Compose, Service } from './compose-file';
import { nativeProgram, openFolder, postgresBinaries, type NativeProgram, type Place } from './native-programs';

const PATIENCE_MS = 300_000;
const POLL_MS = 200;
/** Ports of the containers, by their service, where a health check's own program is not on this machine. */
const PORTS: Readonly<Record<string, number>> = { temporal: 7233, redis: 6379 };
/** Of variables that name nothing but a host. */
const NAMES_A_HOST = /(_HOST|_SEEDS|_ADDRESS|_ON_IP)$/;

/**
 * The services of docker-compose.yml as processes of this machine: commands, variables, mounts, order, health checks and grace times are the
 * file's. Each has a loopback address of its own in place of its host name, so that ports stay as they are (Linux: all of 127.0.0.0/8 is there).
 */
export class NativeServices {
  private readonly running = new Map<string, StackProcess>();
  private readonly network = `127.${1 + (process.pid % 250)}.${Date.now() % 250}`;
  private readonly databaseFolder = openFolder();

  /** @param keys what deploy/keys.env says */
  constructor(
    private readonly compose: Compose,
    private readonly folder: string,
    private readonly keys: Readonly<Record<string, string>>,
  ) {}

  address(service: string): string {
    return `${this.network}.${1 + Object.keys(this.compose.services).indexOf(service)}`;
  }

  /** Starts services and what they wait for, each when all of that is fit. @throws Error with the end of a log */
  async up(...services: readonly string[]): Promise<void> {
    for (const name of services) {
      if (this.running.has(name)) continue;
      const service = this.service(name);
      await this.up(...Object.keys(service.depends_on ?? {}));
      const process = await this.process(name);
      this.running.set(name, process);
      process.start();
      if (service.restart.startsWith('on-failure')) {
        const how = await process.ended();
        if (how !== 'exit code 0') throw new Error(`${name} ended with ${how}:\n${process.logTail()}`);
      } else await Promise.race([this.untilHealthy(name), process.failure]);
    }
  }

  /** Names of what was started since the last stop, in that order. */
  get started(): string[] {
    return [...this.running.keys()];
  }

  /** Runs a service once with other arguments, as `docker compose run --rm` does. */
  async run(name: string, ...args: readonly string[]): Promise<Ended> {
    const { command, args: whole, env } = await this.program(name, { ...this.service(name), command: args });
    const child = spawn(command, [...whole], { env, cwd: projectDir(), stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', (chunk: Buffer) => (said[stream] += chunk.toString()));
    return await new Promise((done, failed) => {
      child.once('error', failed);
      child.once('close', (code) => done({ code, ...said }));
    });
  }

  /** `docker compose stop`: SIGTERM, and the file's grace time, to what was started last first. Volumes stay. */
  async stop(): Promise<void> {
    for (const [name, process] of [...this.running].reverse()) {
      const [, minutes = '1'] = /^(\d+)m$/.exec(this.service(name).stop_grace_period ?? '') ?? [];
      await process.stop(Number(minutes) * 60_000);
    }
    this.running.clear();
  }

  /** Stops what runs, and removes the database. */
  async close(): Promise<void> {
    await this.stop();
    rmSync(this.databaseFolder, { recursive: true, force: true });
  }

  private service(name: string): Service {
    const service = this.compose.services[name];
    if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
    return service;
  }

  private async process(name: string): Promise<StackProcess> {
    const service = this.service(name);
    const { command, args, env } = await this.program(name, service);
    mkdirSync(join(this.folder, 'logs'), { recursive: true });
    const ends = service.restart.startsWith('on-failure');
    return new StackProcess({ name, command, args, env, logFile: join(this.folder, 'logs', `${name}.log`), ends, restart: !ends });
  }

  private async program(name: string, service: Service): Promise<NativeProgram & { readonly env: Readonly<Record<string, string>> }> {
    const environment = Object.fromEntries(
      Object.entries(service.environment ?? {})
        .filter(([, value]) => value !== null) // an empty one is none
        .map(([key, value]) => [key, this.hosts(this.mounted(service, value ?? ''), name, key)]),
    );
    const place: Place = {
      address: this.address(name),
      mounted: (path) => this.mounted(service, path),
      folder: join(this.folder, 'images', name),
    };
    const { command, args, env = {} } = await nativeProgram({ ...service, environment }, place);
    const isOurs = service.image.startsWith('rehearse-');
    return {
      command,
      args: args.map((arg) => this.mounted(service, arg)),
      env: { PATH: process.env['PATH'] ?? '', HOME: this.folder, ...(isOurs ? this.keys : {}), ...env, ...environment },
    };
  }

  /** A path of the container as one of this machine. */
  private mounted(service: Service, path: string): string {
    for (const volume of service.volumes ?? []) {
      const [source = '', target = ''] = volume.split(':');
      if (path === target || path.startsWith(`${target}/`)) return `${this.sourceOf(source)}${path.slice(target.length)}`;
    }
    return path === '/cache' ? cacheDir() : path;
  }

  private sourceOf(source: string): string {
    if (source.startsWith('.') || source.startsWith('/')) return resolve(projectDir(), source);
    if (source === 'rehearse-cache') return cacheDir(); // the Python environment takes minutes to make
    const folder = source === 'postgresql-data' ? join(this.databaseFolder, 'data') : join(this.folder, 'volumes', source);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Names of services as their addresses: in `name:port`, and alone where the variable is one for a host. */
  private hosts(text: string, own: string, variable = ''): string {
    const known = Object.keys(this.compose.services);
    if (NAMES_A_HOST.test(variable) && known.includes(text)) return this.address(text);
    return text
      .replaceAll(new RegExp(`(?<![\\w.-])(${known.join('|')})(?=:\\d)`, 'g'), (name) => this.address(name))
      .replace(/\b0\.0\.0\.0\b/, this.address(own));
  }

  private async untilHealthy(name: string): Promise<void> {
    for (const deadline = Date.now() + PATIENCE_MS; ;) {
      const problem = await this.problemOf(name);
      if (problem === undefined) return;
      if (Date.now() > deadline) throw new Error(`${name} is not healthy: ${problem}\n${this.running.get(name)?.logTail() ?? ''}`);
      await sleep(POLL_MS);
    }
  }

  /** What the health check of the file says; where its program is not on this machine, whether the port is open. */
  private async problemOf(name: string): Promise<string | undefined> {
    const service = this.service(name);
    const [kind, ...words] = service.healthcheck?.test ?? [];
    if (kind === undefined) return undefined;
    const { env } = await this.program(name, service);
    const command = (kind === 'CMD-SHELL' ? ['sh', '-c', ...words] : words).map((word) =>
      word.replaceAll(/\b(localhost|127\.0\.0\.1)\b/g, this.address(name)),
    );
    const port = PORTS[name];
    try {
      if (port !== undefined && findOnPath(command[0]!) === undefined) await opened(this.address(name), port);
      else {
        const path = `${postgresBinaries()}:${env['PATH'] ?? ''}`;
        await promisify(execFile)(command[0]!, command.slice(1), {
          env: { ...env, PATH: path, PGHOST: this.address(name) },
          cwd: projectDir(),
        });
      }
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

async function opened(host: string, port: number): Promise<void> {
  const socket = connect({ host, port });
  try {
    await new Promise((done, failed) => {
      socket.once('connect', done);
      socket.once('error', failed);
    });
  } finally {
    socket.destroy();
  }
}
