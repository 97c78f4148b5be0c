import { join } from 'node:path';
import { projectDir } from '../services/local/paths';
import { ensureVenv } from '../services/local/python-environment';
import type { SetupReporter } from '../services/local/setup-reporter';
import type { Contender } from './contender-run';
import { LOAD } from './judge-load';

/** A tool of another project, with a driver and pins in bench/peers. */
interface Peer {
  readonly name: string;
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

export const BARE_LOOP = 'bare loop';
const REHEARSE = 'Rehearse';

/** All clients that are compared. Python environments are made once, before anything is measured. */
export function contenders(reporter: SetupReporter): Contender[] {
  const compiled = (name: string): string => join(projectDir(), 'dist', 'bench', name);
  const own = (name: string, resumes: boolean, args: Contender['args']): Contender => ({
    name,
    resumes,
    install: () => Promise.resolve(process.execPath),
    args,
  });
  return [
    own(BARE_LOOP, false, ({ url, inFlight, load }) => [
      compiled('bare-loop.js'),
      '--url',
      url,
      '--requests',
      join(load.folder, LOAD.requests),
      '--in-flight',
      String(inFlight),
    ]),
    own(REHEARSE, true, ({ url, inFlight, load, out }) => [
      compiled('rehearse-driver.js'),
      '--url',
      url,
      '--load',
      load.folder,
      '--prompts',
      String(load.prompts),
      '--in-flight',
      String(inFlight),
      '--out',
      out,
    ]),
    ...PEERS.map((peer): Contender => ({
      name: peer.name,
      resumes: resumes(peer),
      install: async () =>
        await ensureVenv({ name: `bench-${peer.driver}`, requirements: join(peersFolder(), `${peer.driver}.txt`), reporter }),
      args: ({ url, inFlight, load, out }) => [
        join(peersFolder(), `${peer.driver}_driver.py`),
        '--url',
        `${url}/v1`,
        '--prompts',
        join(load.folder, LOAD.prompts),
        '--in-flight',
        String(inFlight),
        '--out',
        out,
        ...(peer.checkpoint === true ? ['--checkpoint'] : []),
      ],
    })),
  ];
}

/** Without its checkpoint a tool that has one begins anew, which says nothing about it. */
function resumes({ driver, checkpoint }: Peer): boolean {
  return checkpoint === true || !PEERS.some((other) => other.driver === driver && other.checkpoint === true);
}

function peersFolder(): string {
  return join(projectDir(), 'bench', 'peers');
}
