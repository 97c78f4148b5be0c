import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { DefaultLogger, Runtime, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { workflowBundle } from '../support/temporal';
import { record } from './record';

const FOLDER = join(__dirname, 'histories');
const WORKFLOWS = ['experiment', 'synthesis', 'synthesizeShard', 'variant'];

let bundle: WorkflowBundleWithSourceMap;

beforeAll(async () => {
  if (process.env['REHEARSE_RECORD'] === '1') await record();
  else Runtime.install({ logger: new DefaultLogger('ERROR') });
  bundle = await workflowBundle();
}, 600_000);

function historyOf(name: string): unknown {
  return JSON.parse(readFileSync(join(FOLDER, name), 'utf8'));
}

/** Histories of running jobs: a change of a workflow that breaks one of them needs `patched()`, or a new recording with care. */
describe('a change of the workflows does not break a running job', () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

  test('there is a history of each workflow type', () => {
    for (const workflow of WORKFLOWS) expect(names.some((name) => name.startsWith(`${workflow}.`))).toBe(true);
  });

  test.each(names)('%s replays', async (name) => {
    await expect(Worker.runReplayHistory({ workflowBundle: bundle }, historyFromJSON(historyOf(name)))).resolves.toBeUndefined();
  });

  test('a history whose order is another one does not', async () => {
    const history = historyOf('synthesizeShard.completed.json') as { events: { activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[] };
    for (const { activityTaskScheduledEventAttributes: scheduled } of history.events) {
      if (scheduled?.activityType.name === 'extractShard') scheduled.activityType.name = 'selectShard';
    }
    await expect(Worker.runReplayHistory({ workflowBundle: bundle }, historyFromJSON(history))).rejects.toThrow(/[Nn]ondeterminism/);
  });
});
