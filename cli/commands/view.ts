import { join } from 'node:path';
import type { Command } from 'commander';
import { cacheDir, dataDir } from '../../services/local/paths';
import { openStore } from '../../services/runs/open-store';
import { startViewServer } from '../../view/server/view-server';
import { Viewer } from '../../view/server/viewer';
import { loadStoredRun } from '../runs/stored-run';
import { CliError, UsageError } from '../terminal/errors';
import { note } from '../terminal/loudness';
import { plainText, printJson } from '../terminal/output';
import { onStopSignal } from '../terminal/signals';

/** `rehearse view`: pages over what a store holds, for eyes. */
export function registerView(program: Command): void {
  program
    .command('view')
    .description('look at what a run made, in a browser: instructions, answers side by side, what the judges wrote; until Ctrl-C')
    .argument('[id]', 'run id (default: the run that was started last)')
    .option('--port <port>', 'port to listen on, at 127.0.0.1 (default: a free one)')
    .option('--json', 'print the address as JSON')
    .addHelpText(
      'after',
      `
Needs no server, and works while the run goes on: pages show shards as they end. The store may be a directory or a bucket.
The address holds a token that is made anew at each start; whoever has it, on this machine, sees all. Nothing else is answered.

Keys: j and k go on and back, / searches, f flags, ? shows all. Flags are lines of flags/ID.jsonl in the data folder; name that file as
mix.exclude in the spec and start the run again: what is flagged is then left out of the mixture.

What is listed is kept in an index in the cache folder (REHEARSE_CACHE), made once and brought up to date as shards end.`,
    )
    .action(async (id: string | undefined, options: { port?: string; json?: boolean }) => await runView(id, options));
}

async function runView(id: string | undefined, { port = '0', json = false }: { port?: string; json?: boolean }): Promise<void> {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new UsageError(`--port is "${port}"`, { hint: 'give a number up to 65535' });
  const opened = openStore();
  const runId = id ?? (await newestRun(opened.plans));
  await loadStoredRun(opened.plans, runId); // names the runs there are when there is none of this id
  const onError = (error: unknown): void =>
    void process.stderr.write(`rehearse: ${plainText(error instanceof Error ? error.message : String(error))}\n`);
  const viewer = await Viewer.open({
    opened,
    cache: join(cacheDir(), 'views'),
    flagFile: (run) => join(dataDir(), 'flags', `${run}.jsonl`),
    runId,
    now: () => new Date(),
    onError,
  });
  try {
    const server = await startViewServer({ port: Number(port), answer: async (asked) => await viewer.answer(asked), onError });
    if (json) printJson({ runId, url: server.url });
    else process.stdout.write(`${server.url}\n`);
    note('open this address in a browser on this machine; Ctrl-C ends it');
    const stop = onStopSignal(() => undefined);
    await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
    await server.close();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new CliError(`port ${port} is in use`, { hint: 'give another --port, or leave it out' });
  } finally {
    await viewer.close();
  }
}

async function newestRun(plans: ReturnType<typeof openStore>['plans']): Promise<string> {
  let newest: { readonly runId: string; readonly startedAt: string } | undefined;
  for (const runId of await plans.listRuns()) {
    const record = await plans.findRun(runId);
    if (record !== undefined && (newest === undefined || record.startedAt > newest.startedAt)) newest = record;
  }
  if (newest === undefined) {
    throw new CliError('no run is stored here yet', {
      hint: 'start one with "npx rehearse start SPEC", or set REHEARSE_HOME to where the runs are',
    });
  }
  return newest.runId;
}
