import { isLeaderboardTask } from '../config/evaluation-splits';
import { extractionStops } from '../config/extraction-stops';
import { modelOf } from '../config/models-in-use';
import { samplingFor } from '../config/sampling';
import { SCORE_READINGS } from '../config/score-readings';
import type { ModelSpec, RunSpec } from '../config/spec';
import { fineTuningOf } from '../config/spec-fine-tuning';
import { activeQuality } from '../config/spec-quality';
import { filesOf, variantsOf, type Variant } from '../config/variants';
import { canonicalJson } from '../method/canonical-json';
import type { LeaderboardTask } from '../method/forgetting';
import { JUDGE_PROMPT } from '../method/judge-prompt';
import { sha256 } from './sha256';

/**
 * A stage output is addressed by what determines it: the stage's name and version, the part of the spec that it reads, and
 * the keys of its inputs. Raise a version when the stage's code changes what comes out; outputs made before are then
 * no longer found. For model stages the version covers the requests; the rows have versions of their own below, so that
 * a mended parser reads the stored calls again instead of making them again.
 */
const STAGE_VERSIONS = {
  extract: 1,
  documents: 1,
  filter: 1,
  respond: 1,
  judge: 1,
  select: 1,
  holdout: 1,
  replay: 1,
  mix: 1,
  train: 1,
  evaluate: 1,
  'evaluate-task': 1,
  'evaluate-loss': 1,
} as const;

/** Versions of the code that makes rows from calls. */
export const ROWS_VERSIONS = {
  extract: 1,
  documents: 1,
  filter: 1,
  respond: 1,
  judge: 1,
  select: 2,
  holdout: 2,
  replay: 2,
  mix: 2,
  train: 2,
  evaluate: 1,
  'evaluate-task': 1,
  'evaluate-loss': 1,
} as const;

export type StageName = keyof typeof STAGE_VERSIONS;

/** Content of the files and weights that a spec names. */
export interface ContentIdentities {
  /** SHA-256 of the new-data file. */
  readonly newData: string;
  /** Identity of the target's weights. */
  readonly weights: string;
  /** Per evaluation task: identity of its documents. */
  readonly evaluation: readonly string[];
  /** SHA-256 of each local file that a variant's replay set is read from. */
  readonly replayFiles: Readonly<Record<string, string>>;
  /** Text of the configuration that `train.accelerate` names, so that it is the same wherever the training runs. */
  readonly accelerate?: string;
}

/** Keys of all stages of a run. */
export interface StageKeys {
  readonly extract: string;
  /** Of the filters, when one is on. */
  readonly filter?: string;
  /** Evaluation documents to be fetched from the hub for the filters, by task. */
  readonly documents?: Readonly<Partial<Record<LeaderboardTask, string>>>;
  readonly respond: Readonly<Record<string, string>>;
  /** By judge, then by generator, so that another generator or judge leaves the rest as it is. */
  readonly judge: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly select: string;
  /** Of the rows that are kept back from training, when the spec asks for some. */
  readonly holdOut?: string;
  /** By variant. Variants that are alike share keys, and so their outputs. */
  readonly variants: Readonly<Record<string, VariantKeys>>;
}

/** Keys of one variant's stages; what a variant does not do has none. */
export interface VariantKeys {
  /** Its replay set, unless that is the method's. */
  readonly replay?: string;
  readonly mix?: string;
  readonly train?: string;
  readonly evaluate: string;
}

/** Who answers: the same id means the same weights, wherever they are served. */
export function modelIdentity(model: ModelSpec): string {
  const { id, serve, baseURL, template } = model;
  const place = serve === undefined ? [baseURL, model.model] : ['served', serve.weights ?? null, serve.revision ?? null, model.model];
  return canonicalJson({ endpoint: id ?? place, template: template ?? null });
}

/** Keys of every stage of a spec. */
export function stageKeys(spec: RunSpec, content: ContentIdentities): StageKeys {
  const { extract, respond, judge, select } = spec.synthesis;
  const identity = (name: string): string => modelIdentity(modelOf(spec, name));

  const extractKey = key('extract', {
    seed: spec.seed,
    model: identity(spec.target.model),
    sampling: extract.sampling,
    stop: extractionStops(extract),
    maxAttempts: extract.maxAttempts,
    acceptTruncated: extract.acceptTruncated,
    ...(extract.stopAtNewline ? { stopAtNewline: true } : {}), // absent where it is off, as in keys made before there was such a thing
  });
  const filter = filterKeys(spec, content, extractKey);
  const instructionsKey = filter === undefined ? [extractKey, ROWS_VERSIONS.extract] : [filter.filter, ROWS_VERSIONS.filter];
  const respondKeys = mapNames(respond.generators, (generator) =>
    key('respond', {
      seed: spec.seed,
      generator,
      model: identity(generator),
      sampling: samplingFor(respond, generator),
      samples: respond.samples,
      maxAttempts: respond.maxAttempts,
      acceptTruncated: respond.acceptTruncated,
      input: instructionsKey,
    }),
  );
  const judgeKeys = mapNames(judge.judges, (name) =>
    mapNames(respond.generators, (generator) =>
      key('judge', {
        seed: spec.seed,
        judge: name,
        model: identity(name),
        sampling: samplingFor(judge, name),
        scoring: judge.scoring,
        minRatingMass: SCORE_READINGS[judge.scoring].usesRatingMass ? judge.minRatingMass : null,
        maxAttempts: judge.maxAttempts,
        prompt: JUDGE_PROMPT,
        input: [respondKeys[generator], ROWS_VERSIONS.respond],
      }),
    ),
  );
  const selectKey = key('select', {
    seed: spec.seed,
    policy: select.policy,
    minJudges: select.policy === 'available' ? select.minJudges : null,
    truncated: select.truncated,
    input: [judgeKeys, ROWS_VERSIONS.judge],
  });
  const { holdOut: kept } = spec.mix;
  const holdOut =
    kept === undefined
      ? {}
      : {
          holdOut: key('holdout', {
            seed: spec.seed,
            kept,
            newData: content.newData,
            target: spec.target.model,
            own: respondKeys[spec.target.model] ?? null,
            input: [selectKey, ROWS_VERSIONS.select, extract.instructions],
          }),
        };
  const synthesis = { respond: respondKeys, judge: judgeKeys, select: selectKey, ...holdOut };
  return {
    extract: extractKey,
    ...filter,
    ...synthesis,
    variants: Object.fromEntries(variantsOf(spec).map((variant) => [variant.name, variantKeys(variant, { spec, content, ...synthesis })])),
  };
}

interface SynthesisKeys extends Pick<StageKeys, 'respond' | 'judge' | 'select' | 'holdOut'> {
  readonly spec: RunSpec;
  readonly content: ContentIdentities;
}

function variantKeys(variant: Variant, synthesis: SynthesisKeys): VariantKeys {
  const { spec, content, select } = synthesis;
  // Absent where nothing is kept back, as in keys made before there was such a thing.
  const holdOut = synthesis.holdOut === undefined ? {} : { holdOut: [synthesis.holdOut, ROWS_VERSIONS.holdout] };
  const { replay: source, newShare } = variant;
  const evaluate = (weights: unknown): string =>
    key('evaluate', {
      seed: spec.seed,
      tasks: spec.evaluate.tasks.map(({ task }) => taskIdentity({ spec, content }, task)),
      ...backendIdentity(spec),
      weights,
      ...holdOut,
      ...(synthesis.holdOut === undefined ? {} : { maxLength: spec.train.maxLength }),
    });
  if (source === null) return { evaluate: evaluate(content.weights) };

  // The method's replay set says how much of any other one is drawn, so every mixture depends on it.
  const budget = {
    seed: spec.seed,
    newShare: spec.mix.newShare,
    maxExamples: spec.mix.maxExamples ?? null,
    newData: content.newData,
    input: [select, ROWS_VERSIONS.select, spec.synthesis.extract.instructions],
    ...holdOut,
  };
  const replay = replayKey(variant, synthesis, budget);
  const mix = key(
    'mix',
    replay === undefined && newShare === spec.mix.newShare
      ? budget
      : { budget, newShare, source: source.kind === 'none' ? 'none' : (replay ?? select) },
  );
  const train = key('train', {
    seed: spec.seed,
    train: trainingParts(spec, content),
    weights: content.weights,
    input: [mix, ROWS_VERSIONS.mix],
  });
  return { ...(replay === undefined ? {} : { replay }), mix, train, evaluate: evaluate([train, ROWS_VERSIONS.train]) };
}

/**
 * What of the settings decides what is trained: not what the result is called, how often it is looked at, where it is kept
 * meanwhile, and what it may cost; of accelerate's configuration the text (how many processes share a batch), not its name.
 */
function trainingParts({ train, target }: RunSpec, { accelerate }: ContentIdentities): unknown {
  const { backend: _backend, openai: _openai, accelerate: _name, deviceMemoryGB: _checked, keepCheckpoints: _kept, ...local } = train;
  const tuning = fineTuningOf({ train, target });
  if (tuning === undefined) return { ...local, ...(accelerate === undefined ? {} : { accelerate: sha256(accelerate) }) }; // as in keys made before there was another backend
  const { epochs, batchSize, learningRateMultiplier } = tuning;
  return { backend: 'openai', epochs, batchSize, learningRateMultiplier };
}

/**
 * Key of one task's evaluation.
 * @param modelSha256 content hash of the model: with changed weights, whatever their name, it is another key
 */
export function evaluateTaskKey(planned: Planned, task: string, modelSha256: string): string {
  const { seed } = planned.spec;
  return key('evaluate-task', { seed, ...taskIdentity(planned, task), ...backendIdentity(planned.spec), model: modelSha256 });
}

/** Key of a model's loss on the rows that were kept back under `holdOut`. */
export function evaluateLossKey({ train, evaluate }: RunSpec, holdOut: string, modelSha256: string): string {
  return key('evaluate-loss', {
    dtype: evaluate.dtype,
    maxLength: train.maxLength,
    model: modelSha256,
    input: [holdOut, ROWS_VERSIONS.holdout],
  });
}

/** Backends differ in the last digits, and an API hides what it computes with. */
function backendIdentity({ evaluate: { backend, dtype, openai } }: RunSpec): Record<string, unknown> {
  if (backend === 'openai') return { backend, api: openai.api };
  return { dtype, ...(backend === 'transformers' ? {} : { backend }) };
}

interface Planned {
  readonly spec: RunSpec;
  readonly content: ContentIdentities;
}

function taskIdentity({ spec, content }: Planned, name: string): Record<string, unknown> {
  const index = spec.evaluate.tasks.findIndex(({ task }) => task === name);
  const found = spec.evaluate.tasks[index];
  if (found === undefined) throw new Error(`evaluate.tasks has no "${name}"; a validated spec cannot come here`);
  const { task, limit = null, numFewshot = null, maxGenToks = null, metric, randomBaseline } = found;
  return {
    task,
    limit,
    numFewshot,
    maxGenToks,
    documents: content.evaluation[index] ?? null,
    ...(metric === undefined ? {} : { metric }),
    ...(randomBaseline === undefined ? {} : { randomBaseline }),
  };
}

/** Key of a replay set that is not the method's; undefined where there is none. */
function replayKey(variant: Variant, { spec, content, respond, judge }: SynthesisKeys, budget: unknown): string | undefined {
  const { replay: source } = variant;
  const target = spec.target.model;
  const { truncated } = spec.synthesis.select;
  switch (source?.kind) {
    case 'first-response':
      return key('replay', { source: source.kind, withoutCut: truncated === 'drop', input: [respond[target], ROWS_VERSIONS.respond] });
    case 'target-best':
      return key('replay', { source: source.kind, seed: spec.seed, truncated, input: [judge[target]?.[target], ROWS_VERSIONS.judge] });
    case 'dataset':
      return key('replay', {
        source: source.source.from === 'hub' ? source.source : filesOf(variant).map((file) => content.replayFiles[file]),
        schema: source.schema,
        budget,
      });
    default:
      return undefined;
  }
}

/**
 * Keys of the filters and of what they read. How many instructions there are is no part of it: a verdict depends on the
 * instructions before, so a longer run's verdicts begin with those of a shorter one.
 */
function filterKeys(
  spec: RunSpec,
  content: ContentIdentities,
  extractKey: string,
): Required<Pick<StageKeys, 'filter' | 'documents'>> | undefined {
  const rules = activeQuality(spec);
  if (rules === undefined) return undefined;
  const tasks =
    rules.decontaminate === undefined
      ? []
      : spec.evaluate.tasks.flatMap(({ task, data }, index) =>
          isLeaderboardTask(task) ? [{ task, data, documents: content.evaluation[index] ?? null }] : [],
        );
  const fetched = tasks.filter(({ data }) => data === undefined);
  return {
    filter: key('filter', {
      rules,
      documents: tasks.map(({ task, documents }) => [task, documents]),
      input: [extractKey, ROWS_VERSIONS.extract, ROWS_VERSIONS.documents],
    }),
    documents: Object.fromEntries(fetched.map(({ task, documents }) => [task, key('documents', { task, documents })])),
  };
}

function key(stage: StageName, parts: Record<string, unknown>): string {
  return sha256(canonicalJson({ stage, version: STAGE_VERSIONS[stage], ...parts })).slice(0, 20);
}

function mapNames<T>(names: readonly string[], value: (name: string) => T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}
