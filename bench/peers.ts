import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectDir } from '../services/local/paths';
import { ensureVenv } from '../services/local/python-environment';
import { consoleReporter } from '../services/local/setup-reporter';
import type { EndpointStats } from './endpoint';
import type { ClientFigures } from './speed-run';

/** A way to run another tool. */
interface Peer {
  /** As in tables. */
  readonly name: string;
  /** Of the driver and the pins in bench/peers. */
  readonly driver: string;
  /** Switches the tool's own checkpoint on; the others keep one always. */
  readonly checkpoint?: boolean;
}

const PEERS: readonly Peer[] = [
  { name: 'datatrove 0.10.0', driver: 'datatrove' },
  { name: 'datatrove 0.10.0, with its checkpoint', driver: 'datatrove', checkpoint: true },
  { name: 'bespokelabs-curator 0.1.31', driver: 'curator' },
  { name: 'data-designer 0.9.6', driver: 'data_designer' },
  { name: 'distilabel 1.5.3', driver: 'distilabel' },
];

interface PeerJob {
  readonly peer: Peer;
  readonly endpointURL: string;
  readonly promptsFile: string;
  readonly inFlight: number;
  readonly folder: string;
}

/** What a peer did in a round; or why it did not. */
export interface PeerRound {
  readonly name: string;
  readonly figures?: ClientFigures;
  readonly failed?: string;
  readonly kill?: PeerKill;
}

/** After `kill -9` in the middle and a second start. */
export interface PeerKill {
  /** Requests that had been answered when it was killed, of all. */
  readonly answered: number;
  /** Requests that had arrived before, byte for byte; null when the second start did not end. */
  readonly repaid: number | null;
}

/** Longest time of one start. */
const TIMEOUT_MS = 240_000;
const POLL_MS = 20;
const KILL_AT = 0.6;

/** The judge prompts of a file of requests, as JSONL: what the peers are given. */
function writePrompts(requestsFile: string, promptsFile: string, count: number): void {
  const prompts: string[] = [];
  for (const line of readFileSync(requestsFile, 'utf8').split('\n')) {
    if (prompts.length === count) break;
    if (!line.startsWith('chat/completions ') || !line.includes('Score: <rating>')) continue;
    const { messages } = JSON.parse(line.slice(line.indexOf(' ') + 1)) as { readonly messages: readonly { readonly content: string }[] };
    prompts.push(JSON.stringify(messages[0]?.content));
  }
  writeFileSync(promptsFile, `${prompts.join('\n')}\n`);
}

export interface PeersOptions {
  readonly requestsFile: string;
  readonly endpointURL: string;
  readonly inFlight: number;
  readonly prompts: number;
  /** Whether each is killed and started again too. */
  readonly kill: boolean;
  readonly folder: string;
}

/** All peers, one after the other. One that fails does not keep the others from being measured. */
export async function runPeers({ requestsFile, endpointURL, inFlight, prompts, kill, folder }: PeersOptions): Promise<PeerRound[]> {
  const promptsFile = join(folder, 'prompts.jsonl');
  writePrompts(requestsFile, promptsFile, prompts);
  const rounds: PeerRound[] = [];
  for (const peer of PEERS) {
    const job: PeerJob = { peer, endpointURL, promptsFile, inFlight, folder: join(folder, `peer-${peer.driver}`) };
    try {
      const figures = await runPeer(job);
      rounds.push({ name: peer.name, figures, ...(kill && keepsAnything(peer) ? { kill: await killPeer(job) } : {}) });
    } catch (error) {
      rounds.push({ name: peer.name, failed: (error as Error).message });
    }
  }
  return rounds;
}

/** Without its checkpoint a tool that has one begins anew, which says nothing about it. */
function keepsAnything({ driver, checkpoint }: Peer): boolean {
  return checkpoint === true || !PEERS.some((other) => other.driver === driver && other.checkpoint === true);
}

/** Runs a peer over the prompts once. @throws Error with the end of its log when it fails */
async function runPeer(job: PeerJob): Promise<ClientFigures> {
  const python = await pythonOf(job.peer);
  await rm(job.folder, { recursive: true, force: true });
  await fetch(`${job.endpointURL}/reset`, { method: 'POST' });
  const startMs = performance.now();
  const run = start(python, job);
  const end = await Promise.race([run.ended, sleep(TIMEOUT_MS, undefined)]);
  if (end === undefined) run.kill();
  if (end !== 0) throw new Error(`${job.peer.name} ${end === undefined ? 'did not end' : `ended with ${end}`}; its log ${run.logFile} ends with:\n${readFileSync(run.logFile, 'utf8').slice(-1_500)}`);
  const wallSeconds = (performance.now() - startMs) / 1000;
  const { requests, firstRequestAt, lastReplyAt } = await statsOf(job.endpointURL);
  const { cpuSeconds, peakRssBytes } = JSON.parse(run.lastLine()) as { readonly cpuSeconds: number; readonly peakRssBytes: number };
  return { requests, perSecond: requests / ((lastReplyAt - firstRequestAt) / 1000), cpuSeconds: cpuSeconds / (requests / 1000), peakRssBytes, wallSeconds };
}

/** Kills a peer after six tenths of its requests, starts it again on the same folder, and counts what is paid again. */
async function killPeer(job: PeerJob): Promise<PeerKill> {
  const python = await pythonOf(job.peer);
  await rm(job.folder, { recursive: true, force: true });
  await fetch(`${job.endpointURL}/reset`, { method: 'POST' });
  const total = readFileSync(job.promptsFile, 'utf8').trimEnd().split('\n').length;
  const first = start(python, job);
  let ended = false;
  void first.ended.then(() => (ended = true));
  while (!ended && (await statsOf(job.endpointURL)).answered < total * KILL_AT) await sleep(POLL_MS);
  first.kill();
  await first.ended;
  while ((await statsOf(job.endpointURL)).inFlight > 0) await sleep(POLL_MS);
  const { answered } = await statsOf(job.endpointURL);
  const second = start(python, job);
  const end = await Promise.race([second.ended, sleep(TIMEOUT_MS, undefined)]);
  if (end === undefined) second.kill();
  const { repeated } = await statsOf(job.endpointURL);
  return { answered, repaid: end === 0 ? repeated : null };
}

async function pythonOf({ driver }: Peer): Promise<string> {
  return await ensureVenv({ name: `bench-${driver}`, requirements: join(peersFolder(), `${driver}.txt`), reporter: consoleReporter() });
}

function start(python: string, { peer, endpointURL, promptsFile, inFlight, folder }: PeerJob) {
  const args = [
    join(peersFolder(), `${peer.driver}_driver.py`), '--url', `${endpointURL}/v1`, '--prompts', promptsFile, '--in-flight', String(inFlight), '--out', folder,
    ...(peer.checkpoint === true ? ['--checkpoint'] : []),
  ];
  const logFile = `${folder}.log`;
  const log = createWriteStream(logFile);
  // A group of its own: some tools start processes, which die with them here.
  const child = spawn(python, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, HF_HUB_OFFLINE: '1', PYTHONDONTWRITEBYTECODE: undefined } });
  let tail = '';
  child.stdout.on('data', (chunk: Buffer) => (tail = (tail + chunk.toString('utf8')).slice(-2_000)));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  return {
    logFile,
    ended: new Promise<number | string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => log.end(() => resolve(code ?? signal ?? 'nothing')));
    }),
    kill: () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    },
    lastLine: () => tail.trimEnd().split('\n').at(-1) ?? '',
  };
}

function peersFolder(): string {
  return join(projectDir(), 'bench', 'peers');
}

async function statsOf(endpointURL: string): Promise<EndpointStats> {
  return (await (await fetch(`${endpointURL}/stats`)).json()) as EndpointStats;
}
