import { join } from 'node:path';
import { parseSpec } from '../../config/load-spec';
import type { RunSpec, RunSpecInput } from '../../config/spec';
import { projectDir } from '../../services/local/paths';

/** How much of everything there is. */
export interface StudySize {
  /** Questions of each skill in the hidden set. */
  readonly perSkill: number;
  /** Optimizer steps that make the closed model. */
  readonly closedSteps: number;
  /** Texts that are extracted from the closed model, and from the base that it was trained from. */
  readonly instructions: number;
  readonly baseInstructions: number;
  /** Answers to each instruction. */
  readonly samples: number;
  /** Tokens of an instruction, and of an answer. */
  readonly maxTokens: number;
  /** Optimizer steps of each row, of as many examples. */
  readonly steps: number;
  readonly batch: number;
  readonly holdOut: { readonly replay: number; readonly new: number };
  /** Rows that are made without being asked for by name. */
  readonly rows: readonly string[];
}

type Rows = Readonly<Record<string, NonNullable<RunSpecInput['variants']>[number]>>;

/** Where the parts of one closed model lie. */
export interface StudyFiles {
  /** The closed model, and the same as one file that llama.cpp serves. */
  readonly closed: string;
  readonly gguf: string;
  /** The hidden set as conversations, for the oracle alone. */
  readonly oracle: string;
}

/** All rows of the table: each rival as its users have it, with new data alone unless something is mixed. */
function rowsOf({ oracle }: Pick<StudyFiles, 'oracle'>, { maxTokens, steps }: Pick<StudySize, 'maxTokens' | 'steps'>): Rows {
  const study = (name: string): string => join(projectDir(), 'examples', 'study', name);
  return {
    official: 'official',
    method: 'method',
    'first-response': 'first-response',
    'own-answers': { name: 'own-answers', replay: { ownAnswers: { set: 'wildchat', files: [study('wildchat.jsonl')] } } },
    'public-columns': { name: 'public-columns', replay: { set: 'ultrachat', files: [study('ultrachat.jsonl')] } },
    'new-data-only': 'new-data-only',
    lora: { name: 'lora', train: { method: 'lora' } },
    interpolate: { name: 'interpolate', interpolate: { of: 'new-data-only', weight: 0.5 } },
    osf: { name: 'osf', train: { method: 'osf' } },
    sdft: { name: 'sdft', train: { method: 'sdft', sdft: { generations: 4, maxTokens } } },
    distill: { name: 'distill', train: { method: 'distill', distill: { maxTokens, maxSteps: steps } } },
    oracle: { name: 'oracle', replay: { files: [oracle], schema: { kind: 'messages', column: 'messages' } } },
  };
}

export const ROW_NAMES = Object.keys(rowsOf({ oracle: '' }, { maxTokens: 1, steps: 1 }));

/** The default: what docs/known-study.md tells. */
export const FULL: StudySize = {
  perSkill: 40,
  closedSteps: 130,
  instructions: 180,
  baseInstructions: 60,
  samples: 3,
  maxTokens: 48,
  steps: 40,
  batch: 8,
  holdOut: { replay: 16, new: 20 },
  rows: ROW_NAMES,
};

/** Shows that all of it works, and measures nothing. */
export const TINY: StudySize = {
  perSkill: 2,
  closedSteps: 2,
  instructions: 9,
  baseInstructions: 3,
  samples: 1,
  maxTokens: 16,
  steps: 2,
  batch: 4,
  holdOut: { replay: 2, new: 2 },
  rows: ['official', 'method', 'new-data-only', 'interpolate', 'distill', 'oracle'],
};

/** The closed model's run: its hidden set is in none of it but the oracle's row. */
export function closedSpec(files: StudyFiles, size: StudySize, seed: number): RunSpec {
  const rows = rowsOf(files, size);
  return studySpec({ weights: files.closed, gguf: files.gguf, instructions: size.instructions, samples: size.samples }, size, seed, {
    variants: size.rows.map((name) => rows[name]!),
  });
}

/** What the base writes that never saw the hidden set, by the same extraction. */
export function baseSpec(base: { readonly weights: string; readonly gguf: string }, size: StudySize, seed: number): RunSpec {
  return studySpec({ ...base, instructions: size.baseInstructions, samples: 1 }, size, seed, {
    variants: ['official', 'method'],
    until: 'replay',
  });
}

interface Studied {
  readonly weights: string;
  readonly gguf: string;
  readonly instructions: number;
  readonly samples: number;
}

const CONCURRENCY = 8;
const MODEL = 'studied';

function studySpec(
  { weights, gguf, instructions, samples }: Studied,
  { maxTokens, steps, batch, holdOut }: StudySize,
  seed: number,
  more: Pick<RunSpecInput, 'variants' | 'until'>,
): RunSpec {
  return parseSpec({
    version: 1,
    seed,
    models: {
      [MODEL]: {
        serve: { engine: 'llama.cpp', weights: gguf, args: ['--parallel', String(CONCURRENCY)] },
        model: MODEL,
        tokenizer: weights,
        supportsN: false,
        limits: { concurrency: CONCURRENCY, timeoutMs: 600_000 },
      },
    },
    target: { model: MODEL, weights },
    synthesis: {
      // Cut texts are kept: what a model writes that was trained on answers alone has no end within so few tokens, and is to be seen.
      extract: { instructions, acceptTruncated: true, sampling: { temperature: 1, maxTokens } },
      respond: { generators: [MODEL], samples, sampling: { temperature: 0.7, maxTokens } },
      judge: { judges: [MODEL], scoring: 'expected', sampling: { temperature: 1, maxTokens: 8 } },
      select: { policy: 'available', truncated: 'last' },
      shardSize: 30,
      concurrentShards: 2,
    },
    mix: { newData: join(projectDir(), 'examples', 'demo', 'new-data.jsonl'), newShare: 0.17, holdOut },
    train: {
      learningRate: 1e-4,
      maxSteps: steps,
      perDeviceBatchSize: batch,
      gradientAccumulation: 1,
      maxLength: 320,
      dtype: 'float32',
      gradientCheckpointing: false,
      saveSteps: 10,
    },
    // The table has exact answers to the hidden questions; one benchmark must be named, and the smallest is.
    evaluate: {
      tasks: [{ task: 'ifeval', data: { train: join(projectDir(), 'examples', 'study', 'ifeval.jsonl') }, limit: 1, maxGenToks: 4 }],
      dtype: 'float32',
    },
    ...more,
  });
}
