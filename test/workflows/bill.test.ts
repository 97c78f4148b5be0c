import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { untilDone } from '../../bench/follow-run';
import { paperRunSpec } from '../../bench/paper-run';
import { Stack } from '../../bench/stack';
import type { StackProcess } from '../../bench/stack-process';
import { startRun } from '../../cli/runs/start-run';
import { parseSpec } from '../../config/load-spec';
import type { RunSpec } from '../../config/spec';
import { gatherReport } from '../../report/gather/report-data';
import { until } from '../support/control';
import { type FakeBill, FakeBatches } from '../support/fake-batches';
import { fakePythonJobs } from '../support/fake-python-jobs';
import { useTempFolder } from '../support/temp-folder';
import { testDeps } from '../support/temporal';

const INSTRUCTIONS = 8;
const CONCURRENCY = 3;
/** Per million tokens: of a prompt, of what of it is cached, of what is written; and what batches cost of that. */
const [INPUT, CACHED, OUTPUT, IN_BATCHES] = [30, 7.5, 60, 0.5];
const PRICE = { inputUsdPerMillion: INPUT, cachedInputUsdPerMillion: CACHED, outputUsdPerMillion: OUTPUT, batchFactor: IN_BATCHES };

const work = useTempFolder();

/** As OpenAI's price list has it. */
function billedUsd(bills: readonly FakeBill[]): number {
  return bills.reduce((sum, { how, prompt, cached, completion }) => {
    const usd = ((prompt - cached) * INPUT + cached * CACHED + completion * OUTPUT) / 1e6;
    return sum + (how === 'batch' ? IN_BATCHES * usd : usd);
  }, 0);
}

/** The paper's synthesis, with gpt-4 in batches. */
async function billedSpec(baseURL: string, folder: string): Promise<RunSpec> {
  const spec = await paperRunSpec({
    instructions: INSTRUCTIONS,
    baseURL,
    folder,
    concurrency: CONCURRENCY,
    shardSize: 4,
    concurrentShards: 2,
  });
  const models = Object.entries(spec.models).map(([name, model]) => [
    name,
    { ...model, price: PRICE, ...(name === 'gpt-4' ? { mode: 'batch', batch: { api: 'openai', pollSeconds: 0.2 } } : {}) },
  ]);
  return parseSpec({ ...spec, until: 'replay', models: Object.fromEntries(models) });
}

// Two minutes and more of kills, so it is no part of `npm test`: `npm run test:long bill`.
const long = process.env['REHEARSE_BILL'] === '1' ? describe : describe.skip;

long('the bill of a provider', () => {
  test('with faults, retries, live calls and batches, and processes killed in between, the report has the bill to the cent, but for live calls that a kill took the replies of', async () => {
    const folder = join(work(), 'bill');
    mkdirSync(folder);
    const provider = await FakeBatches.start({
      latencyMs: 20,
      cached: (prompt) => Math.floor(prompt / 3),
      fate: ({ number, lines }) => (number % 4 === 2 ? { end: 'expired', done: Math.ceil(lines.length / 2) } : { end: 'completed' }),
      lineError: (_, { number }) => (number % 5 === 3 ? { status: 500, type: 'server_error' } : undefined),
      refuse: (_, time) => (time % 11 === 5 ? { status: time % 2 === 0 ? 429 : 503, code: 'server_error' } : undefined),
    });
    const stack = await Stack.start({
      folder,
      llmWorkers: 2,
      latencyMs: 0,
      restartWorkers: true,
      endpointURL: provider.baseURL.replace('/v1', ''),
    });
    let inFlight = 0;
    async function kill(...victims: readonly StackProcess[]): Promise<void> {
      inFlight += provider.inFlight;
      await Promise.all(victims.map(async (victim) => await victim.kill()));
      inFlight += CONCURRENCY * 2 * 2; // replies on their way, and not on disk: no more than there are places
      await sleep(200);
      if (victims.includes(stack.temporal)) {
        stack.temporal.start();
        await stack.untilReady();
      }
      for (const victim of victims) if (victim !== stack.temporal) victim.start();
      await stack.savePids();
    }
    try {
      const spec = await billedSpec(provider.baseURL, folder);
      await stack.withClient(async (client) => {
        await startRun(client, 'billed', spec);
        const kills = [
          [30, stack.llm],
          [70, [stack.llm[0]!]],
          [110, [stack.temporal]],
          [150, [stack.temporal, ...stack.workers]],
        ] as const;
        let isDone = false;
        const done = untilDone(client, 'billed').finally(() => (isDone = true));
        let kept = 0;
        for (const [after, victims] of kills) {
          await until(async () => await Promise.resolve(isDone || provider.bills.length >= after ? true : undefined));
          if (isDone) break;
          await kill(...victims);
          kept++;
        }
        await stack.whileRunning(done);
        expect(kept).toBe(kills.length);
      });

      const twice = provider.billedTwice();
      expect(twice.filter(({ how }) => how === 'batch')).toEqual([]);
      expect(twice.length).toBeLessThanOrEqual(inFlight);
      const deps = testDeps({ python: fakePythonJobs(), root: join(stack.home, 'store') });
      const { usage } = await gatherReport({ ...deps, runId: 'billed', now: new Date() });
      const reported = usage.reduce((sum, { usd }) => sum + (usd ?? 0), 0);
      expect(reported).toBeGreaterThan(0.1);
      expect(reported + billedUsd(twice)).toBeCloseTo(billedUsd(provider.bills), 9);
      expect(provider.bills.filter(({ how }) => how === 'batch').length).toBe(INSTRUCTIONS * (1 + 9));
    } finally {
      await stack.stop();
      await provider.close();
    }
  }, 600_000);
});
