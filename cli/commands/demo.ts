import type { Command } from 'commander';
import { openStore } from '../../services/runs/open-store';
import { detailOf } from '../../services/store/stored-output';
import { trainStage } from '../../stages/train';
import { runHere, webUiNote } from '../runs/run-here';
import { CliError } from '../terminal/errors';

const DEMO_RUN_ID = 'demo';

/** `rehearse demo`: the whole method on a real small model, on this machine. */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('run the whole method on a real small model, on this machine; sets up what it needs')
    .addHelpText('after', '\nCtrl-C stops it; the same command goes on where it was. Its run id is "demo", its spec config/demo.yaml.')
    .action(async () => await runHere({ runId: DEMO_RUN_ID, spec: 'demo', again: 'npm run demo', summary }));
}

/** Where everything lies that the run made. */
async function summary(uiUrl: string | undefined): Promise<string> {
  const { store, stages, plans } = openStore();
  const record = await plans.findRun(DEMO_RUN_ID);
  if (record === undefined) throw new CliError('the finished run left no record in the store');
  const plan = await plans.load(record.plan);
  const training = await stages.latest(trainStage.at(plan, 'method'));
  const trained = training === undefined ? undefined : detailOf(training);
  const checkpoint = trained?.kind === 'sft' ? trained.checkpointDir : undefined;
  const rows = [
    ['Web UI', webUiNote(DEMO_RUN_ID, uiUrl)],
    ['report', store.location(`runs/${DEMO_RUN_ID}/report/report.html`)],
    ['replay set', `npx rehearse export ${DEMO_RUN_ID} --stage replay`],
    ['mixture', `npx rehearse export ${DEMO_RUN_ID} --stage mixture`],
    ['checkpoint', checkpoint ?? 'none'],
  ] as const;
  return `\n${rows.map(([name, value]) => `${name.padEnd(11)} ${value}`).join('\n')}\n`;
}
