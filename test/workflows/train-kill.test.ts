import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { StackProcess } from '../../bench/stack-process';
import { startRun } from '../../cli/start-run';
import { SEARCH_ATTRIBUTES } from '../../config/search-attributes';
import { pickPort } from '../../services/local/free-port';
import { ensureModel } from '../../services/local/local-model';
import { projectDir } from '../../services/local/paths';
import { ensurePython } from '../../services/local/python-environment';
import { runCommand } from '../../services/local/run-command';
import { devServerArgs, ensureTemporal, probeServer } from '../../services/local/temporal-server';
import { createPythonJobs } from '../../services/python-jobs';
import { sftResultSchema } from '../../services/python-protocol';
import { FakeEndpoint } from '../support/fake-endpoint';
import { smallSpec } from '../support/small-spec';
import { useTempFolder } from '../support/temp-folder';
import { quietReporter } from '../support/temporal';

/** The shipped model's first two layers: its tokenizer, its embedding, checkpoints of 0.4 GB instead of 1.6. */
const TWO_LAYERS = `
import sys
from transformers import AutoModelForCausalLM, AutoTokenizer
source, to = sys.argv[1:]
AutoModelForCausalLM.from_pretrained(source, num_hidden_layers=2).save_pretrained(to)
AutoTokenizer.from_pretrained(source).save_pretrained(to)
`;
const TRAIN = {
  maxSteps: 12, saveSteps: 3, learningRate: 1e-4, perDeviceBatchSize: 2, gradientAccumulation: 2, maxLength: 256, dtype: 'float32', gradientCheckpointing: false, threads: 1,
} as const;
const POLL_MS = 50;
const PATIENCE_MS = 600_000;

const work = useTempFolder();

test('kill -9 of the trainer, of the GPU worker and of the server in mid-training: the losses are those of a training that nothing happened to', async () => {
  const python = await ensurePython(quietReporter);
  const { weightsDir } = await ensureModel(quietReporter, python);
  const weights = join(work(), 'weights');
  await runCommand({ command: python.python, args: ['-c', TWO_LAYERS, weightsDir, weights] });
  const endpoint = await FakeEndpoint.start();
  const home = join(work(), 'home');
  const port = await pickPort(0);
  const address = `127.0.0.1:${port}`;
  const searchAttributes = Object.fromEntries(SEARCH_ATTRIBUTES.map(({ name }) => [name, 'Keyword']));
  const process_ = (name: string, command: string, args: readonly string[]): StackProcess => new StackProcess({
    name, command, args, logFile: join(work(), `${name}.log`), restart: name !== 'temporal',
    env: { ...process.env, REHEARSE_HOME: home, TEMPORAL_ADDRESS: address, REHEARSE_LOG: 'warn' },
  });
  const worker = (name: string, ...queues: string[]): StackProcess => process_(name, process.execPath, [join(projectDir(), 'bin', 'rehearse.js'), 'worker', '--queue', ...queues]);
  const { path: temporalBinary } = await ensureTemporal(quietReporter);
  const temporal = process_('temporal', temporalBinary, [...devServerArgs({ dbFile: join(work(), 'temporal.sqlite'), port, searchAttributes }), '--headless']);
  const others = worker('others', 'orchestration', 'llm', 'cpu');
  const gpu = worker('gpu', 'gpu');
  mkdirSync(home);

  const startServer = async (): Promise<void> => {
    temporal.start();
    await until('the server', async () => await probeServer(address).then(() => true, () => false));
  };
  try {
    await startServer();
    others.start();
    gpu.start();
    const spec = smallSpec(endpoint.baseURL, (each) => {
      each.target.weights = weights;
      delete each.target.revision;
      each.train = TRAIN;
      each.variants = ['method'];
    });
    const connection = await Connection.connect({ address });
    try {
      await startRun(new Client({ connection }), 'killed', spec);

      const trainer = await saved(home, 3);
      process.kill(trainerOf(home), 'SIGKILL');

      await saved(home, 6);
      await gpu.kill();
      gpu.start();

      await saved(home, 9);
      await temporal.kill();
      await startServer();

      const result = await until('the training', () => resultIn(trainer));
      await new Client({ connection }).workflow.getHandle('killed').terminate('what this is about has been seen');
      expect(result.lossCurve.map(({ step }) => step)).toEqual(Array.from({ length: TRAIN.maxSteps }, (_, index) => index + 1));

      const asked = JSON.parse(readFileSync(join(trainer, 'sft-spec.json'), 'utf8')) as Record<string, unknown>;
      const resumed: string[] = [];
      const undisturbed = await createPythonJobs({ environment: async () => await Promise.resolve(python) }).run({
        command: 'sft', spec: { ...asked, outputDir: join(work(), 'undisturbed') }, resultSchema: sftResultSchema, stop: new AbortController().signal,
        onEvent: (event) => void (event.type === 'log' && event.message.startsWith('Resuming') && resumed.push(event.message)),
      });
      expect(resumed).toEqual([]);
      expect(result.lossCurve).toEqual(undisturbed.lossCurve); // to the last digit: the same process, seeds and data order
      expect(result.weightsSha256).toBe(undisturbed.weightsSha256);
      expect(result.lossCurve.at(-1)!.loss).toBeLessThan(result.lossCurve[0]!.loss);
    } finally {
      await connection.close();
    }
  } finally {
    await Promise.all([gpu.stop(), others.stop()]);
    await temporal.kill();
    await endpoint.close();
  }
}, 1_800_000);

/** Waits for the checkpoint of a step, or a later one, and returns the folder of the job. */
async function saved(home: string, step: number): Promise<string> {
  return await until(`checkpoint ${step}`, () => {
    const trainings = join(home, 'store', 'stages', 'train');
    for (const key of listed(trainings)) {
      const job = join(trainings, key, 'all', 'job');
      const steps = listed(join(job, 'checkpoints')).filter((name) => existsSync(join(job, 'checkpoints', name, 'rehearse-complete.json')));
      if (steps.some((name) => Number(name.replace('checkpoint-', '')) >= step)) return job;
    }
    return undefined;
  });
}

function listed(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function resultIn(folder: string): ReturnType<typeof sftResultSchema.parse> | undefined {
  try {
    return sftResultSchema.parse(JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The process that trains below `home`. */
function trainerOf(home: string): number {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      if (words.includes('rehearse_ml') && words.some((word) => word.startsWith(home))) return Number(entry);
    } catch {
      continue; // it has just ended
    }
  }
  throw new Error('no process trains');
}

async function until<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  for (const deadline = Date.now() + PATIENCE_MS; ;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${PATIENCE_MS / 1000} s`);
    await sleep(POLL_MS);
  }
}
