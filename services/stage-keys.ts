import { extractionStops } from '../config/extraction-stops';
import type { EvaluateTask, ModelSpec, RunSpec, Sampling } from '../config/spec';
import { activeQuality } from '../config/spec-quality';
import type { VariantName } from '../config/variants';
import { canonicalJson } from '../method/canonical-json';
import { JUDGE_PROMPT } from '../method/judge-prompt';
import { sha256 } from './artifact-store';

/**
 * A stage output is addressed by what determines it: the stage's name and version, the part of the spec that it reads, and
 * the keys of its inputs. Raise a version when the stage's code changes what comes out; outputs made before are then
 * no longer found. For model stages the version covers the requests; the rows have versions of their own below, so that
 * a mended parser reads the stored calls again instead of making them again.
 */
const STAGE_VERSIONS = { extract: 1, documents: 1, filter: 1, respond: 1, judge: 1, select: 1, mix: 1, train: 1, evaluate: 1 } as const;

/** Versions of the code that makes rows from calls. */
export const ROWS_VERSIONS = { extract: 1, documents: 1, filter: 1, respond: 1, judge: 1, select: 1, mix: 1, train: 2, evaluate: 1 } as const;

export type StageName = keyof typeof STAGE_VERSIONS;

/** Content of the files and weights that a spec names. */
export interface ContentIdentities {
  /** SHA-256 of the new-data file. */
  readonly newData: string;
  /** Identity of the target's weights. */
  readonly weights: string;
  /** Per evaluation task: identity of its documents. */
  readonly evaluation: readonly string[];
}

/** Keys of all stages of a run. */
export interface StageKeys {
  readonly extract: string;
  /** Of the filters, when one is on. */
  readonly filter?: string;
  /** Evaluation documents to be fetched from the hub for the filters, by task. */
  readonly documents?: Readonly<Partial<Record<EvaluateTask['task'], string>>>;
  readonly respond: Readonly<Record<string, string>>;
  /** By judge, then by generator, so that another generator or judge leaves the rest as it is. */
  readonly judge: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly select: string;
  readonly mix: string;
  readonly train: string;
  readonly evaluate: Readonly<Record<VariantName, string>>;
}

/** Who answers: the same id means the same weights, wherever they are served. */
export function modelIdentity(model: ModelSpec): string {
  return canonicalJson({ endpoint: model.id ?? [model.baseURL, model.model], template: model.template ?? null });
}

/** The sampling of one model in a stage: the stage's own, with the model's overrides. */
export function samplingFor(stage: { readonly sampling: Sampling; readonly perModel: Readonly<Record<string, Partial<Sampling>>> }, model: string): Sampling {
  return { ...stage.sampling, ...stage.perModel[model] };
}

/** Keys of every stage of a spec. */
export function stageKeys(spec: RunSpec, content: ContentIdentities): StageKeys {
  const { extract, respond, judge, select } = spec.synthesis;
  const identity = (name: string): string => modelIdentity(modelOf(spec, name));

  const extractKey = key('extract', {
    seed: spec.seed, model: identity(spec.target.model), sampling: extract.sampling, stop: extractionStops(extract),
    maxAttempts: extract.maxAttempts, acceptTruncated: extract.acceptTruncated,
    ...(extract.stopAtNewline ? { stopAtNewline: true } : {}), // absent where it is off, as in keys made before there was such a thing
  });
  const filter = filterKeys(spec, content, extractKey);
  const instructionsKey = filter === undefined ? [extractKey, ROWS_VERSIONS.extract] : [filter.filter, ROWS_VERSIONS.filter];
  const respondKeys = mapNames(respond.generators, (generator) =>
    key('respond', {
      seed: spec.seed, generator, model: identity(generator), sampling: samplingFor(respond, generator), samples: respond.samples,
      maxAttempts: respond.maxAttempts, acceptTruncated: respond.acceptTruncated, input: instructionsKey,
    }),
  );
  const judgeKeys = mapNames(judge.judges, (name) =>
    mapNames(respond.generators, (generator) =>
      key('judge', {
        seed: spec.seed, judge: name, model: identity(name), sampling: samplingFor(judge, name), scoring: judge.scoring,
        minRatingMass: judge.scoring === 'expected' ? judge.minRatingMass : null, maxAttempts: judge.maxAttempts, prompt: JUDGE_PROMPT,
        input: [respondKeys[generator], ROWS_VERSIONS.respond],
      }),
    ),
  );
  const selectKey = key('select', {
    seed: spec.seed, policy: select.policy, minJudges: select.policy === 'available' ? select.minJudges : null,
    input: [judgeKeys, ROWS_VERSIONS.judge],
  });
  const mixKey = key('mix', {
    seed: spec.seed, newShare: spec.mix.newShare, maxExamples: spec.mix.maxExamples ?? null, newData: content.newData,
    input: [selectKey, ROWS_VERSIONS.select, spec.synthesis.extract.instructions],
  });
  const trainKey = key('train', { seed: spec.seed, train: spec.train, weights: content.weights, input: [mixKey, ROWS_VERSIONS.mix] });
  const evaluateKey = (weights: unknown): string =>
    key('evaluate', {
      tasks: spec.evaluate.tasks.map(({ task, limit, numFewshot, maxGenToks }, index) => ({
        task, limit: limit ?? null, numFewshot: numFewshot ?? null, maxGenToks: maxGenToks ?? null, documents: content.evaluation[index] ?? null,
      })),
      dtype: spec.evaluate.dtype, weights,
    });
  return {
    extract: extractKey, ...filter, respond: respondKeys, judge: judgeKeys, select: selectKey, mix: mixKey, train: trainKey,
    evaluate: { official: evaluateKey(content.weights), method: evaluateKey([trainKey, ROWS_VERSIONS.train]) },
  };
}

/**
 * Keys of the filters and of what they read. How many instructions there are is no part of it: a verdict depends on the
 * instructions before, so a longer run's verdicts begin with those of a shorter one.
 */
function filterKeys(spec: RunSpec, content: ContentIdentities, extractKey: string): Required<Pick<StageKeys, 'filter' | 'documents'>> | undefined {
  const rules = activeQuality(spec);
  if (rules === undefined) return undefined;
  const tasks = rules.decontaminate === undefined ? [] : spec.evaluate.tasks.map(({ task, data }, index) => ({ task, data, documents: content.evaluation[index] ?? null }));
  const fetched = tasks.filter(({ data }) => data === undefined);
  return {
    filter: key('filter', {
      rules, documents: tasks.map(({ task, documents }) => [task, documents]), input: [extractKey, ROWS_VERSIONS.extract, ROWS_VERSIONS.documents],
    }),
    documents: Object.fromEntries(fetched.map(({ task, documents }) => [task, key('documents', { task, documents })])),
  };
}

/** The model that a validated spec names. */
export function modelOf(spec: RunSpec, name: string): ModelSpec {
  const model = spec.models[name];
  if (model === undefined) throw new Error(`models has no "${name}"; a validated spec cannot come here`);
  return model;
}

function key(stage: StageName, parts: Record<string, unknown>): string {
  return sha256(canonicalJson({ stage, version: STAGE_VERSIONS[stage], ...parts })).slice(0, 20);
}

function mapNames<T>(names: readonly string[], value: (name: string) => T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}
