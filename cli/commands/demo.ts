import type { Command } from 'commander';
import { openStore } from '../../services/open-store';
import { addresses } from '../../services/run-plan';
import { consoleReporter } from '../../services/local/setup-reporter';
import type { SftResult } from '../../services/python-protocol';
import { loadSpecFile } from '../../services/spec-files';
import { resumeUpdate } from '../../workflows/control';
import { connect, webUiUrl } from '../connect';
import { steerRun } from '../control-run';
import { CliError } from '../errors';
import { startLocalStack, workersEnded } from '../local-stack';
import { onStopSignal } from '../signals';
import { startRun } from '../start-run';
import { waitForRun } from '../wait-for-run';

export const DEMO_RUN_ID = 'demo';

/** `rehearse demo`: the whole method on a real small model, on this machine. */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('run the whole method on a real small model, on this machine; sets up what it needs')
    .addHelpText('after', '\nCtrl-C stops it; the same command goes on where it was. Its run id is "demo", its spec config/demo.yaml.')
    .action(async () => {
      const again = 'npm run demo';
      const stop = onStopSignal(() => process.stderr.write('\nstopping: finishing the calls in flight (Ctrl-C again ends at once)\n'));
      const spec = await loadSpecFile('demo');
      const stack = await startLocalStack(consoleReporter());
      const failed = new AbortController();
      void stack.workerEnded.then((how) => failed.abort(workersEnded(how, again)));
      try {
        const { client, connection } = await connect();
        const models = Object.fromEntries(Object.entries(spec.models).map(([name, model]) => [name, { ...model, baseURL: stack.modelBaseURL }]));
        const started = await startRun(client, DEMO_RUN_ID, { ...spec, models });
        process.stderr.write(`run "${DEMO_RUN_ID}" ${started.state === 'attached' ? 'goes on' : 'has started'}: ${stack.uiUrl === undefined ? '' : (webUiUrl(DEMO_RUN_ID) ?? '')}\n\n`);
        if (started.paused !== null) await steerRun(client, DEMO_RUN_ID, async (run) => await run.executeUpdate(resumeUpdate));
        await waitForRun(client, DEMO_RUN_ID, AbortSignal.any([stop, failed.signal]));
        await connection.close();
        process.stdout.write(await summary(stack.uiUrl));
      } catch (error) {
        if (stop.aborted) throw new CliError('stopped; what is finished is stored', { hint: `go on with: ${again}`, exitCode: 130, cause: error });
        throw failed.signal.aborted ? failed.signal.reason : error;
      } finally {
        await stack.stop();
      }
    });
}

/** Where everything lies that the run made. */
async function summary(uiUrl: string | undefined): Promise<string> {
  const { store, stages, plans } = openStore();
  const record = await plans.findRun(DEMO_RUN_ID);
  if (record === undefined) throw new CliError('the finished run left no record in the store');
  const plan = await plans.load(record.plan);
  const training = await stages.latest(addresses.train(plan, 'method'));
  const rows = [
    ['Web UI', uiUrl === undefined ? 'on your server' : `${webUiUrl(DEMO_RUN_ID) ?? uiUrl}  (bring it back with: npx rehearse dev)`],
    ['report', store.location(`runs/${DEMO_RUN_ID}/report/report.html`)],
    ['replay set', `npx rehearse export ${DEMO_RUN_ID} --stage replay`],
    ['mixture', `npx rehearse export ${DEMO_RUN_ID} --stage mixture`],
    ['checkpoint', (training?.detail as SftResult | undefined)?.checkpointDir ?? 'none'],
  ] as const;
  return `\n${rows.map(([name, value]) => `${name.padEnd(11)} ${value}`).join('\n')}\n`;
}
