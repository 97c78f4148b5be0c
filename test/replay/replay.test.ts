import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporal } from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';
import { workflowBundle } from '../support/temporal';
import { record } from './record';

const FOLDER = join(__dirname, 'histories');
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
const WORKFLOWS = ['experiment', 'synthesis', 'synthesizeShard', 'variant'];

let bundle: WorkflowBundle;
/** What came of each history, by its name: one worker replays them all. */
const errors = new Map<string, Error | undefined>();

beforeAll(async () => {
  if (process.env['REHEARSE_RECORD'] === '1') await record();
  else Runtime.install({ logger: new DefaultLogger('ERROR') });
  bundle = await workflowBundle();
  const histories = NAMES.map((name) => ({ history: historyOf(name), workflowId: workflowIdOf(historyOf(name)) }));
  for await (const { error } of Worker.runReplayHistories({ workflowBundle: bundle }, histories)) errors.set(NAMES[errors.size]!, error);
}, 600_000);

function historyOf(name: string): temporal.api.history.v1.History {
  return temporal.api.history.v1.History.fromObject(JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Record<string, unknown>);
}

/** The id that the workflow had; children derive theirs from it. */
function workflowIdOf({ events }: temporal.api.history.v1.History): string {
  const id = events[0]?.workflowExecutionStartedEventAttributes?.workflowId;
  if (id == null || id === '') throw new Error('the history does not say whose it is; record it on a server that does');
  return id;
}

/** Histories of running jobs: a change of a workflow that breaks one of them needs `patched()`, or a new recording with care. */
describe('a change of the workflows does not break a running job', () => {
  test('there is a history of each workflow type', () => {
    for (const workflow of WORKFLOWS) expect(NAMES.some((name) => name.startsWith(`${workflow}.`))).toBe(true);
  });

  test.each(NAMES)('%s replays', (name) => {
    expect([name, errors.has(name), errors.get(name)]).toEqual([name, true, undefined]);
  });

  test('a history whose order is another one does not', async () => {
    const history = historyOf('synthesizeShard.completed.json');
    for (const { activityTaskScheduledEventAttributes: scheduled } of history.events) {
      if (scheduled?.activityType?.name === 'extractShard') scheduled.activityType.name = 'selectShard';
    }
    await expect(Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowIdOf(history))).rejects.toThrow(/[Nn]ondeterminism/);
  });
});
