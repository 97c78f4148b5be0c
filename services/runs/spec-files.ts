import { open, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { isLeaderboardTask } from '../../config/evaluation-splits';
import { parseSpecText, PRESET_NAMES } from '../../config/load-spec';
import { endpointModels } from '../../config/models-in-use';
import type { RunSpec } from '../../config/spec';
import { problemSentence, SpecError, type SpecProblem } from '../../config/spec-errors';
import { specWarnings } from '../../config/spec-warnings';
import { filesOf, variantsOf } from '../../config/variants';
import { looksLikePath } from '../../config/weights';
import type { LeaderboardTask } from '../../method/forgetting';
import { nearestNames } from '../../method/nearest-names';
import type { KnownCounts } from '../../planning/known-counts';
import { conversationProblem, evaluationRowProblem, isMeasured, type RowProblem } from '../data/data-rows';
import { checkJsonl } from '../data/jsonl-check';
import { projectDir } from '../local/paths';
import { checkAccelerate } from '../training/accelerate';

/** No spec is near this; a data file given by mistake is. */
const MAX_SPEC_BYTES = 1 << 20;
const MAX_PROBLEMS_PER_FILE = 5;

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
  /** The problem of a training that no device of the spec can hold, which no waiting for files can fix. */
  readonly misfit?: SpecProblem;
}

/**
 * Reads a spec file, YAML or JSON, or one of the presets `demo`, `single-gpu` and `paper` (a file of such a name is
 * reached as `./demo`). Defaults are filled in, relative paths made absolute from the file's folder.
 * @throws {SpecError} when there is no such file, it is no spec, or the spec has mistakes
 */
export async function loadSpecFile(path: string): Promise<RunSpec> {
  const isPreset = (PRESET_NAMES as readonly string[]).includes(path);
  const file = isPreset ? presetPath(path) : resolve(path);
  const shown = isPreset ? `${path}.yaml` : shortest(file);
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

function shortest(file: string): string {
  const near = relative(process.cwd(), file);
  return near.startsWith('..') ? file : near;
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
        ? 'write one with `rehearse init`, or name a preset: demo, single-gpu, paper'
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
  options: { readonly env?: Readonly<Record<string, string | undefined>> },
): Promise<SpecFilesReport> {
  const newData = await checkNewData(spec.mix);
  const evaluation = await checkEvaluation(spec);
  const training = await checkAccelerate(spec);
  const problems = [
    ...newData.problems,
    ...evaluation.problems,
    ...training.problems,
    ...(await replayFileProblems(spec)),
    ...(await weightsProblems(spec)),
    ...(options.env === undefined ? [] : keyProblems(spec, options.env)),
  ];
  const warnings = specWarnings(spec).map(({ path, message }) => `${path}: ${message}`);
  if (newData.problems.length === 0 && newData.examples !== undefined) warnings.push(...replayWarnings(spec, newData.examples));
  return {
    problems,
    errors: problems.map((problem) => problemSentence(problem)),
    warnings,
    ...(training.misfit === undefined ? {} : { misfit: training.misfit }),
    counts: {
      trainingProcesses: training.config?.processes,
      newExamples: newData.examples,
      newCharacters: newData.characters,
      evaluationDocuments: evaluation.documents,
    },
  };
}

async function checkNewData({
  newData: path,
  holdOut,
}: RunSpec['mix']): Promise<{ problems: SpecProblem[]; examples?: number; characters?: number }> {
  const wrap = {
    spec: 'mix.newData',
    rows: 'one {"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]} a line',
  };
  const read = await checkRows(path, wrap.spec, wrap.rows, { check: conversationProblem });
  const most = (read.counted ?? Infinity) - 1;
  const tooMany: SpecProblem[] =
    holdOut === undefined || read.problems.length > 0 || holdOut.new <= most
      ? []
      : [
          {
            path: 'mix.holdOut.new',
            value: String(holdOut.new),
            expected: `at most ${most}, since ${JSON.stringify(shortest(path))} has ${most + 1} conversations, of which some must be left to train on`,
            hint: 'lower it, or add conversations',
          },
        ];
  return { problems: [...read.problems, ...tooMany], examples: read.counted, characters: read.characters };
}

async function checkEvaluation(spec: RunSpec): Promise<{ problems: SpecProblem[]; documents: Partial<Record<LeaderboardTask, number>> }> {
  const problems: SpecProblem[] = [];
  const documents: Partial<Record<LeaderboardTask, number>> = {};
  for (const [index, { task, data }] of spec.evaluate.tasks.entries()) {
    if (!isLeaderboardTask(task)) continue;
    for (const [split, path] of Object.entries(data ?? {})) {
      const place = `evaluate.tasks[${index}].data.${split}`;
      const read = await checkRows(path, place, `rows in the schema of ${task}`, {
        check: (row) => evaluationRowProblem(task, row),
        counts: (row) => isMeasured(task, row),
      });
      problems.push(...read.problems);
      if (split !== 'validation' && read.counted !== undefined) documents[task] = read.counted;
    }
  }
  return { problems, documents };
}

/** Local files of variants' replay sets: that they are there. Their rows are checked as they are read, where bad ones are counted. */
async function replayFileProblems(spec: RunSpec): Promise<SpecProblem[]> {
  const problems: SpecProblem[] = [];
  for (const variant of variantsOf(spec)) {
    for (const file of filesOf(variant)) {
      const found = await stat(file).catch((error: unknown) => reasonOf(error));
      const value = typeof found === 'string' ? found : found.isFile() ? undefined : 'not a file';
      if (value === undefined && /\.(jsonl|parquet)$/.test(file)) continue;
      problems.push({
        path: `variants.${variant.name}.replay.files`,
        value: `${JSON.stringify(shortest(file))} (${value ?? 'neither .jsonl nor .parquet'})`,
        expected: 'a JSONL or Parquet file that can be read',
        hint: "relative paths start at the spec's own folder",
      });
    }
  }
  return problems;
}

interface RowChecks {
  readonly check: (row: unknown) => RowProblem | null;
  readonly counts?: (row: unknown) => boolean;
}

async function checkRows(
  path: string,
  place: string,
  expected: string,
  { check, counts }: RowChecks,
): Promise<{ problems: SpecProblem[]; counted?: number; characters?: number }> {
  const shown = JSON.stringify(shortest(path));
  try {
    const read = await checkJsonl(path, {
      check(row) {
        const found = check(row);
        return found === null ? null : `${found.path} is ${found.value} where ${found.expected} belongs`;
      },
      counts,
      maxProblems: MAX_PROBLEMS_PER_FILE,
    });
    const problems = read.problems.map(({ line, message }): SpecProblem => ({
      path: place,
      value: `${shown} line ${line}: ${message}`,
      expected,
      hint: 'fix that line',
    }));
    if (read.badLines > problems.length) {
      problems.push({
        path: place,
        value: `${read.badLines - problems.length} more bad lines in ${shown}`,
        expected,
        hint: 'fix them all',
      });
    }
    if (read.badLines === 0 && read.counted === 0) {
      problems.push({ path: place, value: `${shown} without a row that counts`, expected, hint: 'add rows, or name another file' });
    }
    return { problems, counted: read.counted, characters: read.characters };
  } catch (error) {
    return {
      problems: [
        {
          path: place,
          value: `${shown} (${reasonOf(error)})`,
          expected: `a JSONL file that can be read, ${expected}`,
          hint: "relative paths start at the spec's own folder",
        },
      ],
    };
  }
}

async function weightsProblems({ target: { weights } }: RunSpec): Promise<SpecProblem[]> {
  if (weights === undefined || !looksLikePath(weights)) return [];
  const expected = 'a directory with config.json, a tokenizer and safetensors';
  try {
    await (await open(join(weights, 'config.json'))).close();
    return [];
  } catch (error) {
    const found = await stat(weights).catch(() => undefined);
    const value =
      found === undefined
        ? `${JSON.stringify(weights)} (${reasonOf(error)})`
        : `${JSON.stringify(weights)}, ${found.isDirectory() ? 'a directory without config.json' : 'a file'}`;
    return [{ path: 'target.weights', value, expected, hint: 'name the folder that the model was saved to' }];
  }
}

/** Models in use whose API key is not in this environment. */
export function keyProblems(spec: RunSpec, env: Readonly<Record<string, string | undefined>>): SpecProblem[] {
  const used = endpointModels(spec);
  return Object.entries(spec.models).flatMap(([name, { apiKeyEnv }]): SpecProblem[] => {
    if (apiKeyEnv === undefined || !used.includes(name) || (env[apiKeyEnv] ?? '') !== '') return [];
    return [
      {
        path: `models.${name}.apiKeyEnv`,
        value: `${apiKeyEnv}, which is not set here`,
        expected: 'an environment variable that holds the API key',
        hint: 'set it in this shell and for the workers',
      },
    ];
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

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EISDIR: 'a directory',
    EACCES: 'no permission to read it',
    ENOTDIR: 'a part of the path is a file',
  };
  return (code === undefined ? undefined : known[code]) ?? (error instanceof Error ? error.message : String(error));
}
