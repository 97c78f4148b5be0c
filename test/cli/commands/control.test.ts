import { join } from 'node:path';
import type { ListedRun } from '../../../cli/commands/list';
import type { RunStatus } from '../../../cli/runs/run-status';
import { startRun } from '../../../cli/runs/start-run';
import { controlQuery } from '../../../contract/control';
import { TEST_PRICE } from '../../support/billed';
import { standstill, until } from '../../support/control';
import { useFakeEndpoint } from '../../support/fake-endpoint';
import { fakePythonJobs } from '../../support/fake-python-jobs';
import { rehearse, type Ended } from '../../support/rehearse';
import { smallSpec } from '../../support/small-spec';
import { useTempFolder } from '../../support/temp-folder';
import { testDeps, useTemporal, withWorkers } from '../../support/temporal';

const folder = useTempFolder();
const environment = useTemporal();
const endpoint = useFakeEndpoint({ latencyMs: 20 });

async function cli(...args: string[]): Promise<Ended> {
  return await rehearse(args, { home: folder(), env: { TEMPORAL_ADDRESS: environment().address, REHEARSE_UI_URL: '' } });
}

async function said(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

test('pause, set and resume a running run; what was set outlives a cancellation', async () => {
  await withWorkers(environment(), testDeps({ python: fakePythonJobs(), root: join(folder(), 'store') }), async () => {
    const { client } = environment();
    await startRun(client, 'steered', smallSpec(endpoint().baseURL));
    await endpoint().received(20);
    endpoint().hold(); // the run must not be over before the command has come up
    expect(await said('pause', 'steered', '--reason', 'a look at\u001b[2J the costs')).toBe(
      'run steered is paused: a look at the costs; go on with: npx rehearse resume steered\n',
    );
    endpoint().release();
    await standstill(environment(), 'steered');

    const status = await said('status', 'steered');
    expect(status).toMatch(/^Run steered: paused, at /);
    expect(status).toContain('Paused: a look at the costs\nGo on with: npx rehearse resume steered\n');
    expect(status).toMatch(/ paused +\d+ +\d+ /);
    expect(status).not.toMatch(/ running +\d+ +\d+ /);
    expect(JSON.parse(await said('status', 'steered', '--json')) as RunStatus).toMatchObject({
      status: 'RUNNING',
      paused: { by: 'user', reason: 'a look at\u001b[2J the costs' },
    });
    expect(await said('list')).toContain('steered is paused: a look at the costs; go on with: npx rehearse resume steered');
    expect((JSON.parse(await said('list', '--json')) as ListedRun[])[0]).toMatchObject({ runId: 'steered', paused: { by: 'user' } });

    expect(
      await said('set', 'steered', '--concurrency', 'other=2', '--rpm', 'other=600000', '--tpm', 'other=none', '--concurrency', 'target=3'),
    ).toBe('other: concurrency 2, requests a minute 600,000, no limit of tokens a minute\ntarget: concurrency 3\n');
    endpoint().hold();
    expect(JSON.parse(await said('resume', 'steered', '--json'))).toMatchObject({ runId: 'steered', state: 'resumed' });
    expect(await said('resume', 'steered')).toContain('run steered is running already, and not paused\n');

    await said('cancel', 'steered');
    endpoint().release();
    await expect(client.workflow.getHandle('steered').result()).rejects.toThrow('Workflow execution cancelled');
    expect(await said('resume', 'steered')).toMatch(
      /^run steered has started\n {2}still set: other: concurrency 2, .*\n {2}still set: target: concurrency 3\n/,
    );
    expect((await client.workflow.getHandle('steered').query(controlQuery)).limits).toMatchObject({ target: { concurrency: 3 } });
    await client.workflow.getHandle('steered').result();
    expect(endpoint().paidTwice()).toHaveLength(0);
  });
});

test('a run whose budget is reached says how it goes on, and does', async () => {
  await withWorkers(environment(), testDeps({ python: fakePythonJobs(), root: join(folder(), 'store') }), async () => {
    const { client } = environment();
    const spec = smallSpec(endpoint().baseURL, (draft) => {
      for (const model of Object.values(draft.models)) model.price = TEST_PRICE;
      draft.budget = { usd: 5 };
    });
    await startRun(client, 'poor', spec);
    await until(async () => ((await client.workflow.getHandle('poor').query(controlQuery)).paused ? true : undefined));
    const status = await said('status', 'poor');
    expect(status).toMatch(/^Paused: the budget of \$5\.00 is reached: \$4\.\d\d is spent, and the next call may cost up to \$0\.\d+$/m);
    expect(status).toContain('Raise it, and it goes on: npx rehearse set poor --budget-usd N (or --budget-tokens N)\n');
    expect(status).toMatch(/^In all: .*; budget \$5\.00/m);
    expect((JSON.parse(await said('status', 'poor', '--json')) as RunStatus).budget).toEqual({ usd: 5 });
    expect(await said('set', 'poor', '--budget-usd', '1000', '--budget-tokens', '5000000')).toMatch(
      /^budget: \$1000, of which \$4\.\d\d is spent\nbudget: 5,000,000 tokens, of which [\d,]+ are spent\nnothing more is sent on what was granted before; calls in flight may still cost up to \$0\.00 \(0 tokens\)\n$/,
    );
    await client.workflow.getHandle('poor').result();
    expect(endpoint().paidTwice()).toHaveLength(0);
  });
});

test('what cannot be done is said in one sentence with the way out', async () => {
  const { client } = environment();
  const sentence = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cli(...args);
    expect({ code: code === 0, stdout }).toEqual({ code: false, stdout: '' });
    return stderr;
  };
  expect(await sentence('pause', 'nobody')).toBe('rehearse: no run "nobody" is running; see: npx rehearse list\n');
  expect(await sentence('set', 'nobody', '--rpm', 'a=1')).toBe('rehearse: no run "nobody" is running; see: npx rehearse list\n');
  expect(await sentence('resume', 'nobody')).toMatch(/^rehearse: no run "nobody" is stored here; /);
  expect(await sentence('set', 'nobody')).toBe(
    'rehearse: there is nothing to set; name at least one of --concurrency, --rpm, --tpm, --budget-usd, --budget-tokens\n',
  );
  expect(await sentence('set', 'nobody', '--concurrency', 'a=none')).toContain("argument 'a=none' is invalid. Give a whole number.");
  expect(await sentence('set', 'nobody', '--tpm', '7')).toContain("argument '7' is invalid. Give MODEL=N, such as gpt-4=16.");
  await withWorkers(environment(), testDeps({ python: fakePythonJobs(), root: join(folder(), 'store') }), async () => {
    await startRun(client, 'strict', smallSpec(endpoint().baseURL));
    expect(await sentence('set', 'strict', '--rpm', 'gpt-4=60')).toBe(
      'rehearse: the run has no model "gpt-4"; its models are target, other\n',
    );
    await client.workflow.getHandle('strict').result();
    expect(await sentence('pause', 'strict')).toBe('rehearse: no run "strict" is running; see: npx rehearse list\n');
  });
});
