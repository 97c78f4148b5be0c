import { planText } from '../../cli/plan-text';
import { parseSpec } from '../../config/load-spec';
import { DEFAULT_ASSUMPTIONS, parseAssumptions } from '../../planning/cost-assumptions';
import { planCost } from '../../planning/cost-plan';
import { parametersOf, servingGpus, trainingGpus } from '../../planning/model-size';
import { loadSpecFile } from '../../services/runs/spec-files';
import { specWith } from '../config/valid-spec';

const NO_RETRIES = { retryShare: 0 };

describe('the cost of the paper', () => {
  it('is 100,000 + 900,000 + 2,700,000 = 3.7 million calls', async () => {
    const plan = planCost(await loadSpecFile('paper'));
    const calls = (stage: string): number => plan.stages.filter((row) => row.stage === stage).reduce((sum, row) => sum + row.calls, 0);
    expect([calls('extract'), calls('respond'), calls('judge'), plan.calls]).toEqual([100_000, 900_000, 2_700_000, 3_700_000]);
  });

  it('counts the room that thoughts are given: half of it, and all of it at most', async () => {
    const paper = await loadSpecFile('paper');
    const judge = paper.models['gpt-4'] === undefined ? Object.keys(paper.models)[1]! : 'gpt-4';
    const withThoughts = (mode: 'on' | 'off'): typeof paper => ({
      ...paper,
      models: { ...paper.models, [judge]: { ...paper.models[judge]!, thinking: { mode, maxTokens: 1000 } } },
    });
    const before = planCost(paper, NO_RETRIES);
    const after = planCost(withThoughts('on'), NO_RETRIES);
    const replies = before.stages
      .filter(({ stage, model }) => model === judge && stage !== 'extract')
      .reduce((sum, { calls }) => sum + calls, 0);
    expect(after.completionTokens - before.completionTokens).toBe(replies * 500);
    expect(after.usd.atMost - before.usd.atMost).toBeCloseTo((replies * 1000 * paper.models[judge]!.price!.outputUsdPerMillion) / 1e6, 3);
    expect(planCost(withThoughts('off'), NO_RETRIES).completionTokens).toBe(before.completionTokens);
  });

  it('is 3.1 million requests, since one request gives three samples', async () => {
    expect(planCost(await loadSpecFile('paper'), NO_RETRIES).requests).toBe(100_000 + 300_000 + 2_700_000);
  });

  it('has dollars for gpt-4 alone, by its price, and a bound', async () => {
    const plan = planCost(await loadSpecFile('paper'), {
      ...NO_RETRIES,
      instructionTokens: 100,
      responseTokens: 300,
      justificationTokens: 50,
      judgePromptTokens: 300,
      chatOverheadTokens: 0,
    });
    // Answers: 100,000 prompts of 100 tokens, 300,000 replies of 300. Judgments: 900,000 x (300 + 100 + 300) in, 50 out.
    const tokensIn = 1e5 * 100 + 9e5 * 700;
    const tokensOut = 3e5 * 300 + 9e5 * 50;
    expect(plan.usd.expected).toBeCloseTo((tokensIn * 30 + tokensOut * 60) / 1e6, 6);
    expect(plan.usd.unpriced).toEqual(['llama-3-70b-instruct', 'qwen2-72b-instruct']);
    // At most: 2,048 tokens an instruction and response, 512 a judgment.
    const longestIn = 1e5 * 2048 + 9e5 * (300 + 2048 + 2048);
    const longestOut = 3e5 * 2048 + 9e5 * 512;
    expect(plan.usd.atMost).toBeCloseTo((longestIn * 30 + longestOut * 60) / 1e6, 6);
  });

  it('with filters has only what they are assumed to keep answered and judged, and all of it at most', async () => {
    const paper = await loadSpecFile('paper');
    const spec = { ...paper, synthesis: { ...paper.synthesis, quality: { refusals: true } } };
    const plan = planCost(spec, { filterKeptShare: 0.6, keptShare: 1 });
    const calls = (stage: string): number => plan.stages.filter((row) => row.stage === stage).reduce((sum, row) => sum + row.calls, 0);
    expect([calls('extract'), calls('respond'), calls('judge')]).toEqual([100_000, 540_000, 1_620_000]);
    expect(plan.filter).toEqual({ extracted: 100_000, answered: 60_000 });
    expect(plan.mixture.replay).toBe(59_999); // what 12,289 new examples ask for at 17 %
    expect(plan.usd.atMost).toBeCloseTo(planCost(paper).usd.atMost, 6);
    expect(planCost(paper).filter).toBeNull();
  });

  it('has a mixture that is 17 % new, and training that needs some two dozen GPUs', async () => {
    const { mixture, training } = planCost(await loadSpecFile('paper'), { keptShare: 1 });
    expect(mixture).toEqual({ replay: 100_000, new: 20_482, total: 120_482, newKnown: false });
    expect(training).toMatchObject({ device: 'gpu', devices: 24, steps: Math.ceil(120_482 / (4 * 24)) });
  });
});

describe('requests', () => {
  it('are one a sample where an endpoint takes no n', () => {
    const spec = parseSpec(specWith('models/other/supportsN', false));
    const rows = planCost(spec, NO_RETRIES).stages.filter(({ stage }) => stage === 'respond');
    expect(rows.map(({ model, calls, requests }) => ({ model, calls, requests }))).toEqual([
      { model: 'target', calls: 300, requests: 100 },
      { model: 'other', calls: 300, requests: 300 },
    ]);
  });

  it('are two a judgment where probabilities are read after a forced label, one where the judge writes its rating', () => {
    const spec = parseSpec(specWith('synthesis/judge/scoring', 'expected'));
    const rows = planCost(spec, NO_RETRIES).stages.filter(({ stage }) => stage === 'judge');
    // `other` has no template, so it is asked through the chat API.
    expect(rows.map(({ model, calls, requests }) => ({ model, calls, requests }))).toEqual([
      { model: 'target', calls: 600, requests: 1200 },
      { model: 'other', calls: 600, requests: 600 },
    ]);
  });

  it('that are repeated cost requests and tokens, but are no calls', () => {
    const spec = parseSpec(specWith('seed', 1));
    const [none, tenth] = [planCost(spec, NO_RETRIES), planCost(spec, { retryShare: 0.1 })];
    expect(tenth.calls).toBe(none.calls);
    expect(tenth.requests).toBe(Math.round(none.requests * 1.1));
    expect(tenth.completionTokens).toBeGreaterThan(none.completionTokens);
  });

  it('write no more than maxTokens', () => {
    const spec = parseSpec(specWith('synthesis/respond/perModel', { other: { maxTokens: 10 } }));
    const row = planCost(spec, NO_RETRIES).stages.find(({ stage, model }) => stage === 'respond' && model === 'other');
    expect(row?.completionTokens).toBe(300 * 10);
  });
});

describe('time', () => {
  it("is bounded by an endpoint's own limits", () => {
    const spec = parseSpec(specWith('models/other/limits', { requestsPerMinute: 10 }));
    const other = planCost(spec, NO_RETRIES).endpoints.find(({ model }) => model === 'other-large');
    expect(other?.hours).toBeCloseTo((100 + 600) / 10 / 60, 6);
  });

  it('adds up over the models that share an endpoint', async () => {
    const plan = planCost(await loadSpecFile('demo'));
    expect(plan.endpoints).toHaveLength(1);
    expect(plan.synthesisHours).toBeCloseTo(
      plan.stages.reduce((sum, { hours }) => sum + hours, 0),
      9,
    );
    expect(plan.endpoints[0]).toMatchObject({ gpus: null, names: ['smollm2-balanced', 'smollm2-precise', 'smollm2-creative'] });
  });

  it('is that of the busiest of several endpoints', () => {
    const plan = planCost(parseSpec(specWith('seed', 1)));
    expect(plan.synthesisHours).toBe(Math.max(...plan.endpoints.map(({ hours }) => hours)));
  });
});

describe('training and evaluation', () => {
  it('count what the files are known to hold', async () => {
    const known = { newExamples: 40, newCharacters: 40 * 1200, evaluationDocuments: { mmlu_pro: 8, gpqa: 8, ifeval: 6, math_level_5: 4 } };
    const plan = planCost(await loadSpecFile('demo'), {}, known);
    expect(plan.mixture).toEqual({ replay: 8, new: 2, total: 10, newKnown: true });
    expect(plan.training).toMatchObject({ device: 'cpu', parameters: 135e6, steps: 5, examples: 20 });
    expect(plan.evaluation).toMatchObject({ device: 'cpu', documents: 52 });
  });

  it('are counted for every row of the table, of which the official model is not trained', async () => {
    const demo = await loadSpecFile('demo');
    const two = planCost(demo);
    const five = planCost({ ...demo, variants: ['official', 'method', 'first-response', 'new-data-only'], sweep: { newShare: [0.5] } });
    expect(two).toMatchObject({ training: { trainings: 1 }, evaluation: { models: 2 } });
    expect(five).toMatchObject({
      training: { trainings: 4, hours: two.training.hours },
      evaluation: { models: 5, documents: (two.evaluation.documents / 2) * 5 },
    });
    expect(five.diskBytes.checkpoints - two.diskBytes.checkpoints).toBe(3 * 4 * 135e6);
    expect(planText(demo, five)).toMatch(/training +4 trainings of \d+ steps.+ each, .+ in all$/m);
    expect(planText(demo, planCost({ ...demo, variants: ['official'] }))).toMatch(/training +none: no row of the table is trained$/m);
  });

  it('leave replay out when there is little new data, so that the share holds', () => {
    expect(planCost(parseSpec(specWith('seed', 1)), { keptShare: 1 }, { newExamples: 10 }).mixture).toEqual({
      replay: 49,
      new: 10,
      total: 59,
      newKnown: true,
    });
    const limited = parseSpec(specWith('mix/maxExamples', 50));
    expect(planCost(limited, { keptShare: 1 }, { newExamples: 10 }).mixture).toMatchObject({ new: 9, replay: 41, total: 50 });
  });

  it('are joined by the losses on the held-out rows, of every row of the table and while training', async () => {
    const demo = await loadSpecFile('demo');
    expect(planCost(demo).heldOut).toBeNull();
    const spec = {
      ...demo,
      mix: { ...demo.mix, holdOut: { replay: 4, new: 2 } },
      sweep: { newShare: [0.5] },
      train: { ...demo.train, maxSteps: 5, evalSteps: 2 },
    };
    const assumed = { instructionTokens: 20, responseTokens: 30, chatOverheadTokens: 10, cpuGflops: 27 };
    const { heldOut } = planCost(spec, assumed, { newExamples: 40, newCharacters: 40 * 1200 });
    // Four kept rows and as many own answers of 20 + 30 + 10 tokens, two new ones of 1,200 characters.
    expect(heldOut).toMatchObject({
      conversations: { replay: 4, own: 4, new: 2 },
      tokens: 8 * 60 + 2 * 300,
      measurements: { models: 3, whileTraining: 4 },
      device: 'cpu',
    });
    expect(heldOut!.hours! * 3600).toBeCloseTo((2 * 135e6 * 1080 * 7) / 27e9, 9);
    expect(planText(spec, planCost(spec, assumed, { newExamples: 40, newCharacters: 40 * 1200 }))).toContain(
      'held-out    loss on 4 of the replay set, 4 own answers, 2 of the new data: 1.08k tokens, taken of 3 models and 4 times while training',
    );
    const cut = planCost({ ...spec, train: { ...spec.train, maxLength: 100 } }, assumed, { newExamples: 40, newCharacters: 40 * 1200 });
    expect(cut.heldOut?.tokens).toBe(8 * 60 + 2 * 100);
    const others = { ...spec, synthesis: { ...spec.synthesis, respond: { ...spec.synthesis.respond, generators: ['smollm2-precise'] } } };
    expect(planCost(others).heldOut?.conversations.own).toBe(0);
  });

  it("have no hours where the model's name does not tell its size", () => {
    const spec = specWith('target', { model: 'target', weights: './weights' });
    (spec['models'] as Record<string, { model: string }>)['target']!.model = 'my-model';
    const { training, evaluation } = planCost(parseSpec(spec));
    expect([training.hours, training.devices, evaluation.hours]).toEqual([null, null, null]);
  });

  it('take twice the hours at half the utilization', async () => {
    const spec = await loadSpecFile('paper');
    const hours = (gpuUtilization: number): number => planCost(spec, { gpuUtilization }).training.hours ?? Number.NaN;
    expect(hours(0.2) / hours(0.4)).toBeCloseTo(2, 9);
  });
});

describe('the size of a model', () => {
  it.each([
    ['meta-llama/Meta-Llama-3-70B-Instruct', 70e9],
    ['builtin:smollm2-135m-instruct', 135e6],
    ['Qwen/Qwen2.5-0.5B', 0.5e9],
    ['mistralai/Mixtral-8x7B-v0.1', 56e9],
    ['gemma-2-9b-it', 9e9],
    ['gpt-4', null],
    ['phi-4', null],
    ['model-4bit', null],
    ['llama3.1:8b', 8e9],
    ['GLM-4.5-Air', null],
  ])('%s has %s parameters by its name', (name, parameters) => {
    expect(parametersOf(name)).toBe(parameters);
  });

  it('says how many GPUs hold it', () => {
    expect([servingGpus(70e9, 80e9), servingGpus(7e9, 80e9), servingGpus(405e9, 80e9)]).toEqual([4, 1, 16]);
    expect([trainingGpus(70.6e9, 16, 80e9), trainingGpus(4e9, 16, 80e9), trainingGpus(7e9, 16, 80e9)]).toEqual([24, 1, 3]);
  });
});

describe('assumptions', () => {
  it('are read as name=value', () => {
    expect(parseAssumptions(['responseTokens=250', 'gpuUtilization=0.5'])).toEqual({ responseTokens: 250, gpuUtilization: 0.5 });
  });

  it.each([
    ['responseToken=1', 'the assumption "responseToken" is unknown; did you mean "responseTokens"?'],
    ['responseTokens=many', 'the assumption responseTokens is "many"; give a number of at least 0, such as responseTokens=400'],
    ['responseTokens', 'the assumption responseTokens is ""; give a number of at least 0, such as responseTokens=400'],
    ['retryShare=-1', 'the assumption retryShare is "-1"; give a number of at least 0, such as retryShare=0.03'],
    ['retryShare=1=2', 'the assumption retryShare is "1=2"; give a number of at least 0, such as retryShare=0.03'],
  ])('%s is refused with the way out', (text, sentence) => {
    expect(() => parseAssumptions([text])).toThrow(sentence);
  });

  it('are all named, with unit and source, and all used', async () => {
    const paper = await loadSpecFile('paper');
    const thinking = { mode: 'on', maxTokens: 1000 } as const;
    const models = Object.fromEntries(
      Object.entries(paper.models).map(([name, model]) => [
        name,
        { ...model, thinking, ...(model.price === undefined ? {} : { price: { ...model.price, cachedInputUsdPerMillion: 1 } }) },
      ]),
    );
    const spec = { ...paper, models, synthesis: { ...paper.synthesis, quality: { refusals: true } } };
    const { judge } = paper.synthesis;
    const early = { ...paper, synthesis: { ...paper.synthesis, judge: { ...judge, skip: 'cannot-win' as const } } };
    const cpu = await loadSpecFile('demo');
    // A value at a time is changed: a plan that stays as it was would not have read it.
    const plans = (name: string, factor: number): string => {
      const value = (DEFAULT_ASSUMPTIONS[name as keyof typeof DEFAULT_ASSUMPTIONS].value || 0.02) * factor;
      return JSON.stringify(
        [
          [spec, {}],
          [early, {}],
          [cpu, { newExamples: 3, newCharacters: 9000 }],
        ].map(([run, known]) => ({ ...planCost(run as typeof spec, { [name]: value }, known as object), assumptions: null })),
      );
    };
    const unused = Object.keys(DEFAULT_ASSUMPTIONS).filter(
      (name) => plans(name, 1) === plans(name, 0.1) && plans(name, 1) === plans(name, 50),
    );
    expect(unused).toEqual([]);
  });
});
