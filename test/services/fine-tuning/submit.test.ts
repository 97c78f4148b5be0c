import { inspect } from 'node:util';
import { fineTuningSchema } from '../../../config/spec-fine-tuning';
import { createFineTuningApi } from '../../../services/fine-tuning/api';
import { JobLedger } from '../../../services/fine-tuning/job-ledger';
import { submitJob, type JobOrder } from '../../../services/fine-tuning/submit';
import { LocalArtifactStore } from '../../../services/store/artifact-store';
import { FakeFineTuning, type FakeFineTuningOptions } from '../../support/fake-fine-tuning';
import { modelSpec } from '../../support/model-spec';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();
let provider: FakeFineTuning;

afterEach(async () => {
  await provider.close();
});

const DATA = Buffer.from('{"messages":[]}\n');
const KEY = 'sk-test-key-of-nobody';

async function start(options: FakeFineTuningOptions = {}): Promise<void> {
  provider = await FakeFineTuning.start(options);
}

function order(over: Partial<JobOrder> = {}): JobOrder {
  return {
    key: 'abc123',
    baseModel: 'gpt-base',
    seed: 7,
    data: async () => DATA,
    settings: { ...fineTuningSchema.parse({ epochs: 2, suffix: 'mine' }), model: 'closed' },
    ...over,
  };
}

async function submit(
  over: {
    readonly store?: string;
    readonly settleMs?: number;
    readonly env?: Record<string, string>;
    readonly order?: Partial<JobOrder>;
  } = {},
): ReturnType<typeof submitJob> {
  const { signal } = new AbortController();
  return await submitJob(order(over.order), {
    api: await createFineTuningApi({
      name: 'closed',
      spec: modelSpec({ baseURL: provider.baseURL, apiKeyEnv: 'CLOSED_KEY' }),
      env: over.env ?? { CLOSED_KEY: KEY },
      signal,
    }),
    ledger: new JobLedger(new LocalArtifactStore({ root: folder() }), `${over.store ?? 'train'}/fine-tuning`),
    signal,
    filePollMs: 1,
    ...(over.settleMs === undefined ? {} : { settleMs: over.settleMs }),
  });
}

describe('a fine-tuning job', () => {
  test('is created once, from a file that is sent once, with the settings of the spec', async () => {
    await start({ apiKey: KEY });
    const first = await submit();
    const second = await submit();
    expect(second.id).toBe(first.id);
    expect(provider.files.map(({ filename, purpose, text }) => ({ filename, purpose, text }))).toEqual([
      { filename: 'rehearse-abc123.jsonl', purpose: 'fine-tune', text: DATA.toString() },
    ]);
    expect(provider.jobs.map(({ request }) => request)).toEqual([
      {
        model: 'gpt-base',
        training_file: 'file-1',
        suffix: 'mine',
        seed: 7,
        metadata: { rehearse_key: 'abc123', rehearse_attempt: '1' },
        method: {
          type: 'supervised',
          supervised: { hyperparameters: { n_epochs: 2, batch_size: 'auto', learning_rate_multiplier: 'auto' } },
        },
      },
    ]);
  });

  test('whose creation was never answered is found at the provider, however far back it is listed', async () => {
    await start({
      faultOf: (request, number) => (request === 'POST fine_tuning/jobs' && number === 1 ? 'done-then-reset' : undefined),
      ignoresMetadata: true,
      mostOfPage: 2,
    });
    await expect(submit()).rejects.toThrow(/could not create a fine-tuning job: .*; it is asked again/);
    for (let other = 0; other < 5; other++) await submit({ store: `other-${other}`, order: { key: `other-${other}` } });
    expect((await submit()).id).toBe('ftjob-1');
    expect(provider.jobs.filter(({ metadata }) => metadata['rehearse_key'] === 'abc123')).toHaveLength(1);
  });

  test('of which nobody knows whether it was made is not made again before it must be in the list', async () => {
    await start({ faultOf: (request, number) => (request === 'POST fine_tuning/jobs' && number === 1 ? { status: 500 } : undefined) });
    await expect(submit()).rejects.toThrow('(HTTP 500)');
    await expect(submit()).rejects.toThrow('it is not known whether');
    expect(provider.requests.filter((request) => request === 'POST fine_tuning/jobs')).toHaveLength(1);
    expect((await submit({ settleMs: 0 })).id).toBe('ftjob-1');
  });

  test('that was turned away for load is asked for again at once', async () => {
    await start({
      faultOf: (request, number) =>
        request === 'POST fine_tuning/jobs' && number === 1 ? { status: 429, headers: { 'retry-after': '3' } } : undefined,
    });
    await expect(submit()).rejects.toMatchObject({ name: 'EndpointUnavailableError', waitMs: 3000 });
    expect((await submit()).id).toBe('ftjob-1');
  });

  test('is created by one of many workers that want it at once', async () => {
    await start();
    const ends = await Promise.allSettled(Array.from({ length: 8 }, async () => await submit()));
    expect(provider.jobs).toHaveLength(1);
    expect(ends.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    expect((await submit()).id).toBe('ftjob-1');
  });

  test('that another store ordered from the same mixture is taken over', async () => {
    await start();
    await submit({ store: 'lost' });
    expect((await submit()).id).toBe('ftjob-1');
  });

  test('that has failed gives way to a new one', async () => {
    await start();
    await submit();
    provider.jobs[0]!.status = 'failed';
    expect((await submit()).id).toBe('ftjob-2');
    provider.jobs[1]!.status = 'cancelled';
    expect((await submit()).id).toBe('ftjob-3');
  });

  test('that the provider does not know any more is not paid for a second time by itself', async () => {
    await start();
    await submit();
    provider.jobs.length = 0;
    await expect(submit()).rejects.toThrow(
      /does not know the fine-tuning job ftjob-1, which this run has created; use the key .*, or, to pay for a new one, remove .*attempt-0001-end\.json/,
    );
    expect(provider.jobs).toEqual([]);
  });
});

describe('what cannot be mended by trying again ends with one sentence', () => {
  test.each<[string, FakeFineTuningOptions, RegExp]>([
    [
      'a wrong key',
      { apiKey: 'sk-another' },
      /^model "closed" at http\S+ refuses to list its fine-tuning jobs \(HTTP 401\): .*; check that the key in the environment variable that apiKeyEnv names, on the machine of the llm worker, is valid and may fine-tune$/,
    ],
    [
      'a refused file',
      { refuseFiles: 'Line 3 has no assistant message' },
      /refuses the training file: Line 3 has no assistant message; fix the new data and resume the run$/,
    ],
    [
      'no money',
      {
        faultOf: (request) =>
          request === 'POST fine_tuning/jobs'
            ? { status: 429, code: 'insufficient_quota', message: 'You exceeded your current quota.' }
            : undefined,
      },
      /\(HTTP 429\): .*You exceeded your current quota\.; the account has no credit left; add some and resume the run$/,
    ],
    [
      'a model that is not fine-tuned',
      {
        faultOf: (request) =>
          request === 'POST fine_tuning/jobs' ? { status: 400, message: 'Model gpt-base is not available for fine-tuning.' } : undefined,
      },
      /\(HTTP 400\): .*Model gpt-base is not available for fine-tuning\.; fix what it names: the model id, the settings under train\.openai, or the data$/,
    ],
    ['a redirect', { faultOf: () => ({ status: 302, headers: { location: 'https://elsewhere.example/v1' } }) }, /\(HTTP 302\)/],
  ])('%s', async (_, options, sentence) => {
    await start(options);
    const error = await submit().catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ name: 'PermanentEndpointError' });
    expect((error as Error).message).toMatch(sentence);
    expect(inspect(error)).not.toContain(KEY);
    expect(provider.jobs).toEqual([]);
  });

  test('a key that is not there', async () => {
    await start();
    await expect(submit({ env: {} })).rejects.toThrow('the environment variable CLOSED_KEY is not set on this llm worker');
    expect(provider.requests).toEqual([]);
  });
});
