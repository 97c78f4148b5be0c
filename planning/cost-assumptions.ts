import { nearestNames } from '../method/nearest-names';

/** One number that a cost plan rests on. */
export interface Assumption {
  readonly value: number;
  readonly unit: string;
  /** Where it comes from. */
  readonly why: string;
}

/** Every number that a cost plan assumes; all can be overridden by name. */
export const DEFAULT_ASSUMPTIONS = {
  preQueryTokens: { value: 5, unit: 'tokens', why: 'a bare pre-query template' },
  instructionTokens: { value: 60, unit: 'tokens', why: 'mean of an extracted instruction' },
  responseTokens: { value: 400, unit: 'tokens', why: 'mean of a response, unless maxTokens is lower' },
  judgePromptTokens: { value: 310, unit: 'tokens', why: 'the Table 2 prompt without instruction and response' },
  justificationTokens: { value: 120, unit: 'tokens', why: "mean of a judge's reply, unless maxTokens is lower" },
  thoughtShare: {
    value: 0.5,
    unit: 'of the room',
    why: 'taken by thoughts where models.X.thinking gives them room; a guess: a small run tells',
  },
  chatOverheadTokens: { value: 12, unit: 'tokens', why: 'role headers of a chat request' },
  newExampleTokens: { value: 400, unit: 'tokens', why: 'mean of a new example, when its file cannot be read' },
  charactersPerToken: { value: 4, unit: 'characters', why: 'English text; turns the size of the new data into tokens' },
  cachedShare: {
    value: 0,
    unit: 'of prompt tokens',
    why: 'read from a cache, where the price has cachedInputUsdPerMillion; OpenAI begins at 1,024 tokens, which few prompts here have: a small run tells',
  },
  retryShare: { value: 0.03, unit: 'of requests', why: 'made again: empty, truncated or without a score' },
  filterKeptShare: {
    value: 0.8,
    unit: 'of instructions',
    why: 'kept by the filters of synthesis.quality where the spec has any; a guess: a small run tells',
  },
  keptShare: {
    value: 0.95,
    unit: 'of instructions',
    why: 'of those answered: with every response and score, so that they enter the replay set',
  },
  shownShare: {
    value: 0.56,
    unit: 'of responses',
    why: 'shown to a judge that may leave out what cannot win, one generator after the other (simulated, for judges whose scores correlate by 0.5 and who give 5 to a quarter)',
  },
  shownInRounds: {
    value: 0.29,
    unit: 'of responses',
    why: 'the same, the best prospects first (simulated, for judges whose scores correlate by 0.5 and who give 5 to a quarter; the table above has others)',
  },
  batchHours: { value: 24, unit: 'hours', why: "a provider's batch API, for one batch: what it promises; mostly less" },
  requestSeconds: { value: 0.3, unit: 's', why: 'of a request before its first token' },
  tokensPerSecondPerRequest: { value: 30, unit: 'tokens/s', why: 'one reply while the server is busy with others' },
  endpointTokensPerSecond: { value: 2500, unit: 'tokens/s', why: 'all replies of one GPU server together' },
  endpointPrefillTokensPerSecond: { value: 15_000, unit: 'tokens/s', why: 'prompts of one GPU server, its prefix cache aside' },
  cpuTokensPerSecond: { value: 150, unit: 'tokens/s', why: 'all replies of a server on this CPU (135M model, measured)' },
  cpuPrefillTokensPerSecond: { value: 270, unit: 'tokens/s', why: 'prompts of a server on this CPU (135M model, measured)' },
  cpuGflops: { value: 70, unit: 'GFLOP/s', why: 'training on two CPU threads in float32 (measured)' },
  cpuEvalTokensPerSecond: { value: 50, unit: 'tokens/s', why: 'evaluation writing on a CPU (135M model, measured)' },
  gpuTflops: { value: 989, unit: 'TFLOP/s', why: 'peak of an H100 in bfloat16' },
  gpuUtilization: { value: 0.35, unit: 'of peak', why: 'usual for full SFT' },
  gpuMemoryGB: { value: 80, unit: 'GB', why: 'of one GPU' },
  gpuBandwidthGBs: { value: 3350, unit: 'GB/s', why: 'of an H100, reached to 40 % while writing' },
  trainingBytesPerParameter: { value: 16, unit: 'bytes', why: 'float32 weights, gradients and two moments' },
  checkpointBytesPerParameter: { value: 12, unit: 'bytes', why: 'float32 weights and two moments' },
  checkpointsKept: { value: 2, unit: 'checkpoints', why: 'so that a torn one has a predecessor' },
  bytesPerToken: { value: 6, unit: 'bytes', why: 'text in the journal and in Parquet' },
  bytesPerRequest: { value: 700, unit: 'bytes', why: 'the rest of a journalled reply' },
} as const satisfies Readonly<Record<string, Assumption>>;

export type AssumptionName = keyof typeof DEFAULT_ASSUMPTIONS;
/** Values by name, as the arithmetic uses them. */
export type Assumptions = Readonly<Record<AssumptionName, number>>;

/** The defaults with some of them overridden. */
export function assumptionsWith(overrides: Readonly<Partial<Record<AssumptionName, number>>> = {}): Assumptions {
  const defaults = Object.entries(DEFAULT_ASSUMPTIONS).map(([name, { value }]) => [name, value] as const);
  return { ...(Object.fromEntries(defaults) as Record<AssumptionName, number>), ...overrides };
}

/**
 * Reads overrides written as `name=value`.
 * @throws Error for an unknown name, with the nearest known one, or a value that is no number of at least 0
 */
export function parseAssumptions(texts: readonly string[]): Partial<Record<AssumptionName, number>> {
  const names = Object.keys(DEFAULT_ASSUMPTIONS);
  return Object.fromEntries(
    texts.map((text) => {
      const end = text.indexOf('=');
      const name = end < 0 ? text : text.slice(0, end);
      const value = end < 0 ? '' : text.slice(end + 1);
      if (!names.includes(name)) {
        const near = nearestNames(name, names, 1)[0];
        throw new Error(
          `the assumption "${name}" is unknown; ${near === undefined ? `known are ${names.join(', ')}` : `did you mean "${near}"?`}`,
        );
      }
      const number = Number(value.replace(/_/g, ''));
      if (value.trim() === '' || !Number.isFinite(number) || number < 0) {
        throw new Error(
          `the assumption ${name} is "${value}"; give a number of at least 0, such as ${name}=${DEFAULT_ASSUMPTIONS[name as AssumptionName].value}`,
        );
      }
      return [name, number];
    }),
  );
}
