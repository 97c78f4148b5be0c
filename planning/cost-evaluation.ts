import { isLeaderboardTask } from '../config/evaluation-splits';
import type { RunSpec } from '../config/spec';
import { providerTrainedModel } from '../config/training-backends';
import { trains } from '../config/until';
import { variantsOf } from '../config/variants';
import type { LeaderboardTask } from '../method/forgetting';
import type { Assumptions } from './cost-assumptions';
import { type Device, deviceFlops, deviceOf, targetParameters } from './device';
import { usdOf } from './price';

/** What measuring takes, all rows of the table together. */
export interface EvaluationCost {
  /** Rows of the table. */
  readonly models: number;
  readonly device: Device | 'provider';
  readonly documents: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly hours: number | null;
  /** Of an endpoint with a price. */
  readonly usd: number | null;
}

interface TaskLoad {
  /** Documents of the public dataset. */
  readonly documents: number;
  readonly promptTokens: number;
  /** Mean length of what is written, and the leaderboard's own limit. */
  readonly generated: number;
}

/** Sizes of the public test sets and rough lengths of the leaderboard's prompts (few-shot examples included). */
const TASK_LOADS: Readonly<Record<LeaderboardTask, TaskLoad>> = {
  mmlu_pro: { documents: 12_032, promptTokens: 1500, generated: 0 },
  gpqa: { documents: 1192, promptTokens: 1000, generated: 0 },
  ifeval: { documents: 541, promptTokens: 60, generated: 350 },
  math_level_5: { documents: 1324, promptTokens: 850, generated: 400 },
};

/** Of a task whose documents are not known here; a guess, as most of the harness's tasks are of this order. */
const OTHER_TASK_LOAD: TaskLoad = { documents: 1500, promptTokens: 500, generated: 100 };

/** Documents, tokens and device hours of evaluating every row of the table. */
export function planEvaluation(spec: RunSpec, a: Assumptions, known: Readonly<Partial<Record<LeaderboardTask, number>>>): EvaluationCost {
  const models = trains(spec) ? variantsOf(spec).length : 0;
  let documents = 0;
  let promptTokens = 0;
  let generatedTokens = 0;
  for (const { task, limit, maxGenToks } of spec.evaluate.tasks) {
    const [load, documentsOf] = isLeaderboardTask(task) ? [TASK_LOADS[task], known[task]] : [OTHER_TASK_LOAD, undefined];
    const count = Math.min(limit ?? Infinity, documentsOf ?? load.documents);
    documents += models * count;
    promptTokens += models * count * load.promptTokens;
    generatedTokens += models * count * Math.min(load.generated, maxGenToks ?? Infinity);
  }
  const atProvider = providerTrainedModel(spec);
  if (atProvider !== undefined) {
    const price = spec.models[atProvider]?.price;
    const usage = { promptTokens, completionTokens: generatedTokens };
    return {
      models,
      device: 'provider',
      documents,
      promptTokens,
      generatedTokens,
      hours: null,
      usd: price === undefined ? null : usdOf(usage, price),
    };
  }
  const device = deviceOf(spec);
  const parameters = targetParameters(spec);
  return {
    models,
    device,
    documents,
    promptTokens,
    generatedTokens,
    usd: null,
    hours: parameters === null ? null : evaluationSeconds(spec, a, device, parameters, { promptTokens, generatedTokens }) / 3600,
  };
}

function evaluationSeconds(
  spec: RunSpec,
  a: Assumptions,
  device: Device,
  parameters: number,
  tokens: { promptTokens: number; generatedTokens: number },
): number {
  const reading = (2 * parameters * tokens.promptTokens) / deviceFlops(device, a);
  if (device === 'cpu') return reading + tokens.generatedTokens / ((a.cpuEvalTokensPerSecond * 135e6) / parameters);
  // Writing is bound by reading the weights once a token for the whole batch. A model on several GPUs keeps them all.
  const gpus = Math.max(1, Math.ceil((parameters * 2 * 1.2) / (a.gpuMemoryGB * 1e9)));
  const tokensPerSecond = (spec.evaluate.batchSize * a.gpuBandwidthGBs * 1e9 * 0.4) / (2 * parameters);
  return gpus * (reading + tokens.generatedTokens / tokensPerSecond);
}
