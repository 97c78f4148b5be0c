import { planText } from '../../cli/plan-text';
import { fineTuningOf } from '../../config/fine-tuning';
import { parseSpec } from '../../config/load-spec';
import type { RunSpec, RunSpecInput } from '../../config/spec';
import { specWarnings } from '../../config/spec-warnings';
import { planCost } from '../../planning/cost-plan';
import { keyProblems } from '../../services/runs/spec-files';
import { stageKeys } from '../../stages/chain';
import { type ContentIdentities } from '../../stages/planned';
import { validSpec } from './valid-spec';

/** A spec whose closed model is fine-tuned by its provider. */
function closed(change: (spec: RunSpecInput) => void = () => undefined): RunSpecInput {
  const spec = validSpec();
  spec.models['gpt'] = {
    baseURL: 'https://api.example.com/v1',
    model: 'gpt-base',
    apiKeyEnv: 'GPT_API_KEY',
    price: { inputUsdPerMillion: 1, outputUsdPerMillion: 2, trainingUsdPerMillion: 25 },
  };
  spec.target = { model: 'target' };
  spec.train = { backend: 'openai', openai: { model: 'gpt' } };
  spec.synthesis.respond.generators = ['gpt', 'other'];
  spec.evaluate = { backend: 'openai', tasks: [{ task: 'ifeval' }] };
  change(spec);
  return spec;
}

function mistakes(spec: RunSpecInput): string {
  try {
    parseSpec(spec);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

const CONTENT: ContentIdentities = { newData: 'n', weights: 'w', evaluation: [], replayFiles: {} };
const trainKey = (spec: RunSpec): string | undefined => stageKeys(spec, CONTENT).variants['method']?.train;

describe('train.backend: openai', () => {
  test('needs no weights, and fine-tunes the target where no other model is named', () => {
    expect(fineTuningOf(parseSpec(closed()))).toEqual({
      model: 'gpt',
      epochs: 'auto',
      batchSize: 'auto',
      learningRateMultiplier: 'auto',
      suffix: 'rehearse',
      pollSeconds: 60,
    });
    const bare = closed((spec) => {
      spec.train = { backend: 'openai' };
      spec.models['target']!.apiKeyEnv = 'TARGET_KEY';
    });
    expect(fineTuningOf(parseSpec(bare))?.model).toBe('target');
  });

  test.each<[string, (spec: RunSpecInput) => void, string]>([
    [
      'a name that is no model',
      (spec) => (spec.train!.openai!.model = 'gtp'),
      'train.openai.model: got "gtp", expected a name under models (target, other, gpt); did you mean "gpt"?',
    ],
    [
      'settings without the backend',
      (spec) => ((spec.train = { openai: {} }), (spec.target.weights = 'org/target'), (spec.evaluate = {})),
      'train.openai: got settings, expected nothing while train.backend is trl; set train.backend: openai, or remove them.',
    ],
    [
      'another backend',
      (spec) => (spec.train = { backend: 'opnai' as 'openai' }),
      'train.backend: got "opnai", expected "trl" or "openai"; did you mean "openai"?',
    ],
    [
      'no key',
      (spec) => delete spec.models['gpt']!.apiKeyEnv,
      'models.gpt.apiKeyEnv: got nothing, expected the name of the environment variable with the key that may fine-tune; add it, such as OPENAI_API_KEY.',
    ],
    [
      'a query that its requests would not have',
      (spec) => (spec.models['gpt']!.request = { query: { 'api-version': '2024-10-21' } }),
      'models.gpt.request.query: got a mapping with the keys api-version, expected nothing with train.backend: openai, whose requests have none; use the address of the provider that takes a key alone (Azure: …/openai/v1), with apiKeyEnv.',
    ],
    [
      'a limit without a price',
      (spec) => {
        spec.train!.openai!.maxUsd = 5;
        spec.models['gpt']!.price = { inputUsdPerMillion: 1, outputUsdPerMillion: 1 };
      },
      'models.gpt.price.trainingUsdPerMillion: got nothing, expected the price of training, which train.openai.maxUsd is reckoned with; add it, or remove maxUsd.',
    ],
    [
      'a budget in dollars without a price',
      (spec) => {
        spec.budget = { usd: 5 };
        for (const name of ['target', 'other', 'gpt']) spec.models[name]!.price = { inputUsdPerMillion: 1, outputUsdPerMillion: 1 };
      },
      'models.gpt.price.trainingUsdPerMillion: got nothing, expected the price of training, since budget.usd limits what the run may cost; add it, or remove budget.usd.',
    ],
    [
      'rows held out',
      (spec) => (spec.mix!.holdOut = { replay: 5 }),
      'mix.holdOut: got rows to hold out, expected nothing with train.backend: openai, since a chat API does not tell the loss on a text; remove it.',
    ],
    [
      'an evaluation that needs weights',
      (spec) => (spec.evaluate = {}),
      'evaluate.backend: got "transformers", expected openai, since what a provider has trained can only be asked through its API; set it, and name tasks that a chat API can do, such as ifeval and math_level_5.',
    ],
    [
      'multiple choice through a chat API',
      (spec) => (spec.evaluate = { backend: 'openai' }),
      'evaluate.openai.api: got "chat", expected "completions" for mmlu_pro and gpqa, which compare the probabilities of given answers; use it where the server has it (with echo and logprobs), or leave those tasks out.',
    ],
    [
      'a suffix that no model id can hold',
      (spec) => (spec.train!.openai!.suffix = 'my model'),
      'train.openai.suffix: got "my model", expected letters, digits and "-", up to 40; leave it out for the default, "rehearse".',
    ],
  ])('is refused with %s', (_, change, sentence) => {
    expect(mistakes(closed(change))).toBe(sentence);
  });

  test('has warnings for settings that nothing reads', () => {
    const warnings = specWarnings(
      parseSpec(
        closed((spec) => {
          spec.train!.learningRate = 1e-5;
          spec.target.weights = 'org/target-7b';
          spec.synthesis.respond.generators = ['other'];
        }),
      ),
    );
    expect(warnings.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['train.learningRate', 'target.weights', 'synthesis.respond.generators']),
    );
    expect(specWarnings(parseSpec(closed()))).toEqual([]);
  });

  test('has its key asked for, also when no stage calls the model', () => {
    const spec = parseSpec(closed((draft) => (draft.synthesis.respond.generators = ['other'])));
    expect(keyProblems(spec, { OTHER_API_KEY: 'x' }).map(({ path }) => path)).toEqual(['models.gpt.apiKeyEnv']);
  });

  test('is planned in dollars, without a GPU', () => {
    const spec = parseSpec(closed((draft) => (draft.train!.openai!.epochs = 2)));
    const plan = planCost(spec);
    expect(plan.training).toMatchObject({ device: 'provider', parameters: null, hours: null, examples: 2 * plan.mixture.total });
    expect(plan.training.usd).toBeCloseTo((plan.training.tokens * 25) / 1e6);
    expect(planText(spec, plan)).toMatch(
      /training {2,}\d+ steps, \d+ examples, [\d.]+k tokens with every epoch; \$\d\.\d\d at the provider$/m,
    );
    expect(plan.diskBytes.checkpoints).toBe(0);
  });

  test('a plan sets a budget in dollars against the training too', () => {
    const priced = (usd?: number): RunSpec =>
      parseSpec(
        closed((spec) => {
          for (const name of ['target', 'other']) spec.models[name]!.price = { inputUsdPerMillion: 0, outputUsdPerMillion: 0 };
          spec.variants = ['method'];
          if (usd !== undefined) spec.budget = { usd };
        }),
      );
    const plan = planCost(priced());
    const all = plan.usd.expected + plan.training.usd!;
    expect(planText(priced(all * 2), plan)).toContain('the estimate is 50 % of it');
    expect(planText(priced(all / 2), plan)).toContain('too little: the estimate is 200 % of it');
  });

  test('is another training than the local one, whatever it is called and however often it is looked at', () => {
    const key = (openai: NonNullable<NonNullable<RunSpecInput['train']>['openai']>): string | undefined =>
      trainKey(parseSpec(closed((spec) => (spec.train!.openai = { model: 'gpt', ...openai }))));
    expect(key({ suffix: 'other', pollSeconds: 5, maxUsd: 9 })).toBe(key({}));
    expect(key({ epochs: 2 })).not.toBe(key({}));
    const local = parseSpec(validSpec());
    expect(trainKey({ ...local, train: { ...local.train, backend: 'openai' } })).not.toBe(trainKey(local));
  });
});
