import { stringify } from 'yaml';
import { flow, type ProbedSettings } from './probe-findings';
import { DEFAULT_SCORING, SCORE_READINGS, SCORINGS } from './score-readings';

/** What `rehearse init` was told. */
export interface InitAnswers {
  readonly baseURL: string;
  /** Model id that the endpoint knows. */
  readonly model: string;
  readonly apiKeyEnv?: string;
  /** A format's name, where it is not to be read from the model's own tokenizer. */
  readonly template?: string;
  /** As the spec is to say it: a hub id, or a path as seen from the spec's folder. */
  readonly tokenizer?: string;
  /** As the spec is to say it: a hub id, or a directory as seen from the spec's folder. */
  readonly weights: string;
  /** As seen from the spec's folder. */
  readonly newData: string;
  readonly instructions: number;
  /** What the endpoint was found to want otherwise. */
  readonly settings?: ProbedSettings;
  /** Path of the JSON Schema for editors, as seen from the spec's folder. */
  readonly schema: string;
}

/** A name under `models` from a model id: `Qwen/Qwen2.5-7B-Instruct` is `qwen2.5-7b-instruct`. */
export function modelName(id: string): string {
  const name = (id.split('/').at(-1) ?? id)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64);
  return name === '' ? 'target' : name;
}

/** The text of a new spec, commented for somebody who has ten minutes. Values are quoted as YAML needs. */
export function initText(answers: InitAnswers): string {
  const name = scalar(modelName(answers.model));
  return `# yaml-language-server: $schema=${answers.schema.replace(/\s/g, '%20')}
#
# A Rehearse run. All fields: docs/spec.md. What it will cost: npx rehearse plan THIS_FILE
version: 1
seed: 42

# Every model once; the rest of this file uses the names given here.
models:
  ${name}:
    baseURL: ${scalar(answers.baseURL)}
    model: ${scalar(answers.model)} # as the endpoint calls it
${templateLines(answers)}
${answers.apiKeyEnv === undefined ? '    # apiKeyEnv: MY_API_KEY          the NAME of an environment variable, never a key' : `    apiKeyEnv: ${scalar(answers.apiKeyEnv)} # the NAME of an environment variable, never a key`}
${settingLines(answers)}    # id: my-model@revision         keeps finished work valid when the same weights are served elsewhere
    limits: { concurrency: 32 } # requests in flight; also requestsPerMinute, tokensPerMinute, timeoutMs
    # price: { inputUsdPerMillion: 0.5, outputUsdPerMillion: 1.5 }
  # The paper has two other strong models answer and judge too. Add them here, then name them below:
  # other:
  #   baseURL: https://api.openai.com/v1
  #   model: gpt-4
  #   apiKeyEnv: OPENAI_API_KEY

# The model that is fine-tuned: who serves it, and its weights for training.
target:
  model: ${name}
  weights: ${scalar(answers.weights)} # a directory (./… or /…) or a hub id
  # revision: …                     the commit of the hub repository; pin it

synthesis:
  # Step 1: the model writes instructions of its own. Paper: 100,000.
  extract:
    instructions: ${answers.instructions}
    sampling: { temperature: 1, topP: 1, maxTokens: 1024 }
  # Step 2: every generator answers each instruction several times. Paper: 3 generators x 3 samples.
  respond:
    generators: [${name}]
    samples: 3
    sampling: { temperature: 1, topP: 1, maxTokens: 1024 }
  # Step 3: every judge scores every response from 1 to 5; the best mean is kept. Paper: the 3 generators.
  judge:
    judges: [${name}]
    scoring: ${DEFAULT_SCORING} # ${otherScorings()}
    sampling: { temperature: 0, maxTokens: 512 }

# Your data: one {"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]} a line.
mix:
  newData: ${scalar(answers.newData)}
  newShare: 0.17 # part of the mixture that is new data, by count

train:
  learningRate: 1e-6
  epochs: 1
  perDeviceBatchSize: 1
  gradientAccumulation: 16
  maxLength: 4096

# The Open LLM Leaderboard's tasks, before and after. gpqa is gated on the hub: accept its terms and set HF_TOKEN.
evaluate:
  tasks:
    - { task: mmlu_pro, limit: 1000 } # remove the limit for all 12,032 documents
    - task: gpqa
    - task: ifeval
    - task: math_level_5
`;
}

/** Where the target's chat format is from, of which step 1 sends the bare beginning of a user turn. */
function templateLines({ template, tokenizer }: InitAnswers): string {
  if (template !== undefined) return `    template: ${scalar(template)} # its chat format, by name`;
  if (tokenizer !== undefined) return `    tokenizer: ${scalar(tokenizer)} # where its own chat template is read`;
  return '    # tokenizer: …                  where its own chat template is read; without it, target.weights';
}

/** "or <name>: <what it is>", of each reading of scores but the default. */
function otherScorings(): string {
  return SCORINGS.filter((scoring) => scoring !== DEFAULT_SCORING)
    .map((scoring) => `or ${scoring}: ${SCORE_READINGS[scoring].phrases.init}`)
    .join('; ');
}

function scalar(text: string): string {
  return stringify(text, { lineWidth: 0, defaultStringType: 'PLAIN', blockQuote: false }).trim();
}

/** A line each, of what was found by asking the endpoint. */
function settingLines({ settings = {} }: InitAnswers): string {
  return Object.entries(settings)
    .map(([key, value]) => `    ${key}: ${flow(value)} # found by asking the endpoint\n`)
    .join('');
}
