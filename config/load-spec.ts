import { isAbsolute, resolve } from 'node:path';
import { LineCounter, parseDocument, isMap, isPair, isScalar, isSeq, visit, type Document, type Node } from 'yaml';
import { isAcceleratePreset } from './accelerate-config';
import { resolveNewData, resolveSet } from './new-data';
import { runSpecSchema, type RunSpec } from './spec';
import { crossCheckSpec } from './spec-checks';
import { formatPath, showValue, SpecError } from './spec-errors';
import { problemsOfIssues, type LocatedProblem } from './spec-issues';

/** Specs that the project ships, by the name that stands for them. */
export const PRESET_NAMES = ['demo', 'single-gpu', 'paper', 'paper-frugal'] as const;

/** Aliases that a file may resolve to before it counts as an attack on memory. */
const MOST_ALIASES = 100;

/**
 * Validates a run spec: shape, then what ties its parts together. Defaults are filled in; paths stay as they are.
 * @throws {SpecError} with every problem found.
 */
export function parseSpec(input: unknown): RunSpec {
  const result = validate(input);
  if (result.spec === undefined) throw new SpecError(result.problems);
  return result.spec;
}

/**
 * Validates a run spec from its text, YAML or JSON (which is YAML), and makes its relative paths absolute.
 * @param options.folder absolute folder that relative paths start from.
 * @param options.file name for messages, which then begin with `file:line:`.
 * @throws {SpecError} with every problem found.
 */
export function parseSpecText(text: string, options: { readonly folder: string; readonly file: string }): RunSpec {
  const { file } = options;
  const lines = new LineCounter();
  const document = parseDocument(text.replace(/^\uFEFF/, ''), { lineCounter: lines, prettyErrors: true, uniqueKeys: true, merge: true });
  const first = document.errors[0];
  if (first !== undefined) {
    const [position] = first.linePos ?? [];
    const place = position === undefined ? '' : ` at column ${position.col}`;
    throw new SpecError(
      [
        {
          path: 'spec',
          value: `text that is no YAML${place} (${syntaxMessage(first.message)})`,
          expected: 'a YAML or JSON mapping',
          hint: first.code === 'DUPLICATE_KEY' ? 'remove one of the two keys' : 'fix the syntax',
          line: position?.line,
        },
      ],
      { file, cause: first },
    );
  }
  const result = validate(plainValue(document, file, lines));
  if (result.spec !== undefined) return resolveSpecPaths(result.spec, options.folder);
  const located = result.problems.map((problem) => ({ ...problem, line: lineOf(document, problem.at, lines) }));
  throw new SpecError(located, { file });
}

/** The same spec with its relative file paths made absolute: new data, evaluation data, and weights and tokenizers that begin with `./` or `../`. */
function resolveSpecPaths(spec: RunSpec, folder: string): RunSpec {
  const full = (path: string): string => (isAbsolute(path) ? path : resolve(folder, path));
  const tasks = spec.evaluate.tasks.map((task) =>
    task.data === undefined
      ? task
      : { ...task, data: Object.fromEntries(Object.entries(task.data).map(([split, path]) => [split, full(path)])) },
  );
  const { weights } = spec.target;
  const { accelerate } = spec.train;
  const near = (place: string): string => (/^\.\.?(\/|$)/.test(place) ? full(place) : place);
  return {
    ...spec,
    models: Object.fromEntries(
      Object.entries(spec.models).map(([name, model]) => [
        name,
        model.tokenizer === undefined ? model : { ...model, tokenizer: near(model.tokenizer) },
      ]),
    ),
    target: { ...spec.target, ...(weights === undefined ? {} : { weights: near(weights) }) },
    mix: {
      ...spec.mix,
      ...(spec.mix.newData === undefined ? {} : { newData: resolveNewData(spec.mix.newData, full) }),
      ...(spec.mix.exclude === undefined ? {} : { exclude: full(spec.mix.exclude) }),
    },
    ...(accelerate === undefined || isAcceleratePreset(accelerate) ? {} : { train: { ...spec.train, accelerate: full(accelerate) } }),
    evaluate: { ...spec.evaluate, tasks },
    variants: spec.variants.map((variant) => {
      if (typeof variant === 'string' || !('replay' in variant) || variant.replay === undefined || typeof variant.replay === 'string') {
        return variant;
      }
      const { replay } = variant;
      if (!('ownAnswers' in replay)) return { ...variant, replay: resolveSet(replay, full) };
      const { ownAnswers } = replay;
      const prompts = typeof ownAnswers === 'string' ? full(ownAnswers) : resolveSet(ownAnswers, full);
      return { ...variant, replay: { ...replay, ownAnswers: prompts } };
    }),
  };
}

/**
 * Checks a run id, which is also a workflow id and the name of a folder, and gives it back.
 * @throws {SpecError} when it is none.
 */
export function validateRunId(id: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(id)) return id;
  throw new SpecError([
    {
      path: 'run id',
      value: showValue(id),
      expected: 'letters, digits, ".", "_" or "-", up to 64, a letter or digit first',
      hint: `for example ${
        id
          .replace(/[^A-Za-z0-9._-]+/g, '-')
          .replace(/^[^A-Za-z0-9]+/, '')
          .slice(0, 64) || 'my-run'
      }`,
    },
  ]);
}

type Validation = { readonly spec: RunSpec } | { readonly spec?: undefined; readonly problems: readonly LocatedProblem[] };

function validate(input: unknown): Validation {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    const value = input === null || input === undefined ? 'nothing' : showValue(input);
    return {
      problems: [
        {
          at: [],
          path: 'spec',
          value,
          expected: 'a mapping with the keys version, models, target, synthesis and mix',
          hint: 'start from `rehearse init`',
        },
      ],
    };
  }
  const unsafe = prototypeKeys(input);
  if (unsafe.length > 0) return { problems: unsafe };
  const parsed = runSpecSchema.safeParse(input, { reportInput: true });
  if (!parsed.success) return { problems: problemsOfIssues(parsed.error.issues) };
  const problems = crossCheckSpec(parsed.data).map((problem) => ({ ...problem, path: formatPath(problem.at) }));
  return problems.length > 0 ? { problems } : { spec: parsed.data };
}

/** Keys `__proto__`: zod leaves them out without a word, so what they hold would be lost. */
function prototypeKeys(value: unknown, at: readonly PropertyKey[] = []): LocatedProblem[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inside]) => {
    const here = [...at, Array.isArray(value) ? Number(key) : key];
    if (key !== '__proto__') return prototypeKeys(inside, here);
    return [{ at: here, path: formatPath(here), value: 'the key "__proto__"', expected: 'another name', hint: 'rename it' }];
  });
}

/** The only thing of a parsed document that has no value. */
const MERGE_PROBLEM = {
  path: 'spec',
  value: 'a merge key << with something else than a mapping',
  expected: 'an alias of a mapping there, such as <<: *defaults',
  hint: 'write the keys out, or name an anchor of a mapping',
} as const;

function mergeLine(document: Document, lines: LineCounter): number | undefined {
  let line: number | undefined;
  visit(document, {
    Pair(_key, pair) {
      if (!isScalar(pair.key) || pair.key.source !== '<<' || isMap(pair.value)) return undefined;
      line = pair.key.range == null ? undefined : lines.linePos(pair.key.range[0]).line;
      return visit.BREAK;
    },
  });
  return line;
}

/** Line of an alias within what it stands for, which would have no end. */
function endlessLine(document: Document, lines: LineCounter): number | undefined {
  let line: number | undefined;
  visit(document, {
    Alias(_key, alias, path) {
      const named = alias.resolve(document);
      if (named === undefined || !path.includes(named)) return undefined;
      line = lines.linePos(alias.range?.[0] ?? 0).line;
      return visit.BREAK;
    },
  });
  return line;
}

function plainValue(document: Document, file: string, lines: LineCounter): unknown {
  const endless = endlessLine(document, lines);
  if (endless !== undefined) {
    const problem = {
      path: 'spec',
      value: 'an alias within what it stands for',
      expected: 'one that has an end',
      hint: 'write that part out',
    };
    throw new SpecError([{ ...problem, line: endless }], { file });
  }
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (error) {
    if (!(error instanceof ReferenceError)) {
      throw new SpecError([{ ...MERGE_PROBLEM, line: mergeLine(document, lines) }], { file, cause: error });
    }
    throw new SpecError(
      [
        {
          path: 'spec',
          value: 'YAML aliases that cannot be resolved or that multiply',
          expected: `at most ${MOST_ALIASES} uses of anchors that exist`,
          hint: 'write the repeated parts out',
        },
      ],
      { file, cause: error },
    );
  }
}

/** The first line of the parser's message, without the position, which the sentence has already. */
function syntaxMessage(message: string): string {
  return message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
}

/** Line of the innermost node on the path that the file has: of the key where there is one. */
function lineOf(document: Document, at: readonly PropertyKey[], lines: LineCounter): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const part of at) {
    if (isMap(node)) {
      const pair: unknown = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part));
      if (!isPair(pair)) break;
      offset = start(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      node = node.items[part];
      offset = start(node) ?? offset;
    } else break;
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}

function start(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
