import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseSpecText, PRESET_NAMES } from '../../config/load-spec';
import { endpointModels } from '../../config/models-in-use';
import { extracts } from '../../config/own-answers';
import type { RunSpec } from '../../config/spec';
import { problemSentence, SpecError, type SpecProblem } from '../../config/spec-errors';
import { specWarnings } from '../../config/spec-warnings';
import { trains } from '../../config/until';
import { nearestNames } from '../../method/nearest-names';
import type { KnownCounts } from '../../planning/known-counts';
import { projectDir } from '../local/paths';
import { readModelTemplates, type ModelTemplates, type ModelTemplatesOptions } from '../tokenizers/model-templates';
import { checkAccelerate } from '../training/accelerate';
import { checkEvaluation, replayFileProblems, weightsProblems } from './data-file-checks';
import { excludeProblems } from './exclude-checks';
import { reasonOf, shownPath } from './file-messages';
import { checkNewData } from './new-data-checks';

/** No spec is near this; a data file given by mistake is. */
const MAX_SPEC_BYTES = 1 << 20;

/** What a spec's files hold, as far as they could be read. */
export interface SpecFileCounts extends KnownCounts {
  readonly evaluationDocuments: NonNullable<KnownCounts['evaluationDocuments']>;
}

export interface SpecFilesReport {
  readonly problems: readonly SpecProblem[];
  /** The problems as sentences. */
  readonly errors: readonly string[];
  /** What is legal but seldom meant, also within the spec itself. */
  readonly warnings: readonly string[];
  readonly counts: SpecFileCounts;
  /** By model: its own chat template, where it was read here. */
  readonly templates: ModelTemplates['templates'];
  /** Templates that only another machine, or another try, may read. */
  readonly unreached: readonly string[];
  /** The problem of a training that no device of the spec can hold, which no waiting for files can fix. */
  readonly misfit?: SpecProblem;
}

/**
 * Reads a spec file, YAML or JSON, or one of the presets `demo`, `single-gpu`, `paper` and `paper-frugal` (a file of such a name is
 * reached as `./demo`). Defaults are filled in, relative paths made absolute from the file's folder.
 * @throws {SpecError} when there is no such file, it is no spec, or the spec has mistakes
 */
export async function loadSpecFile(path: string): Promise<RunSpec> {
  const isPreset = (PRESET_NAMES as readonly string[]).includes(path);
  const file = isPreset ? presetPath(path) : resolve(path);
  const shown = isPreset ? `${path}.yaml` : shownPath(file);
  const text = await readSpecText(file, path, shown);
  return parseSpecText(text, { folder: dirname(file), file: shown });
}

/** Folder of the presets and the JSON Schema, from sources and from the build alike. */
export function configFolder(): string {
  return join(projectDir(), 'config');
}

function presetPath(name: string): string {
  return join(configFolder(), `${name}.yaml`);
}

async function readSpecText(file: string, asked: string, shown: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MAX_SPEC_BYTES) {
      throw new SpecError(
        [{ path: 'spec', value: `a file of ${size} bytes`, expected: `at most ${MAX_SPEC_BYTES}`, hint: 'is it a data file?' }],
        { file: shown },
      );
    }
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof SpecError) throw cause;
    const near = nearestNames(asked, PRESET_NAMES, 1)[0];
    const hint =
      near === undefined
        ? 'write one with `rehearse init`, or name a preset: demo, single-gpu, paper, paper-frugal'
        : `did you mean the preset "${near}"?`;
    throw new SpecError(
      [{ path: 'spec', value: `${JSON.stringify(asked)} (${reasonOf(cause)})`, expected: 'a YAML or JSON file that can be read', hint }],
      { cause },
    );
  }
}

/**
 * Checks what a valid spec points to, before any call: the new data row by row, local evaluation data against its
 * dataset's columns, a local directory of weights, and, where `env` is given, the variables that hold API keys.
 */
export async function checkSpecFiles(
  spec: RunSpec,
  options: { readonly env?: Readonly<Record<string, string | undefined>>; readonly reading?: Partial<ModelTemplatesOptions> },
): Promise<SpecFilesReport> {
  const newData = await checkNewData(spec);
  const evaluation = await checkEvaluation(spec);
  const training = trains(spec) ? await checkAccelerate(spec) : { problems: [] };
  const {
    templates,
    problems: templateProblems,
    unreached,
  } = await readModelTemplates(spec, { date: today(), env: options.env ?? process.env, ...options.reading });
  const problems = [
    ...templateProblems,
    ...newData.problems,
    ...(await excludeProblems(spec)),
    ...evaluation.problems,
    ...training.problems,
    ...(await replayFileProblems(spec)),
    ...(trains(spec) ? await weightsProblems(spec) : []),
    ...(options.env === undefined ? [] : keyProblems(spec, options.env)),
  ];
  const warnings = specWarnings(spec).map(({ path, message }) => `${path}: ${message}`);
  if (newData.problems.length === 0 && newData.examples !== undefined && spec.until !== 'replay' && extracts(spec)) {
    warnings.push(...replayWarnings(spec, newData.examples));
  }
  return {
    problems,
    errors: problems.map((problem) => problemSentence(problem)),
    warnings,
    templates,
    unreached,
    ...(training.misfit === undefined ? {} : { misfit: training.misfit }),
    counts: {
      trainingProcesses: training.config?.processes,
      newExamples: newData.examples,
      newCharacters: newData.characters,
      evaluationDocuments: evaluation.documents,
    },
  };
}

/** The date as a template is told it where no run has fixed one: `YYYY-MM-DD`, UTC. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** Models in use whose API key is not in this environment. */
export function keyProblems(spec: RunSpec, env: Readonly<Record<string, string | undefined>>): SpecProblem[] {
  const used = endpointModels(spec);
  return Object.entries(spec.models).flatMap(([name, { apiKeyEnv, request }]): SpecProblem[] => {
    if (!used.includes(name)) return [];
    const needed: [path: string, variable: string, holds: string][] = [
      ...(apiKeyEnv === undefined ? [] : [['apiKeyEnv', apiKeyEnv, 'the API key'] as [string, string, string]]),
      ...Object.entries(request?.headersEnv ?? {}).map(([header, variable]): [string, string, string] => [
        `request.headersEnv.${header}`,
        variable,
        `the value of the header ${header}`,
      ]),
    ];
    return needed
      .filter(([, variable]) => (env[variable] ?? '') === '')
      .map(([path, variable, holds]) => ({
        path: `models.${name}.${path}`,
        value: `${variable}, which is not set here`,
        expected: `an environment variable that holds ${holds}`,
        hint: 'set it in this shell and for the workers',
      }));
  });
}

/** The share fixes both sides: when replay is short, new data is left out. */
function replayWarnings(spec: RunSpec, all: number): string[] {
  const { newShare, maxExamples, holdOut } = spec.mix;
  const examples = all - (holdOut?.new ?? 0);
  const used = maxExamples === undefined ? examples : Math.min(examples, Math.round(maxExamples * newShare));
  const needed = Math.round((used * (1 - newShare)) / newShare);
  const instructions = spec.synthesis.extract.instructions - (holdOut?.replay ?? 0);
  if (instructions >= needed) return [];
  const fits = Math.round((instructions * newShare) / (1 - newShare));
  return [
    `mix.newData: of its ${examples} examples at most ${fits} will be used, since ${instructions} instructions give at most ${instructions} replay examples ` +
      `and a newShare of ${newShare} wants ${needed} beside ${used}; extract more to use more.`,
  ];
}
