import type { RunSpec } from '../config/spec';
import type { BatchOutcome } from '../contract/batches';
import type { Failure, Instruction, Judgment, ReplayRow, Response } from '../method/records';
import { stageKeys } from '../stages/chain';
import type { ContentIdentities } from '../stages/planned';
import type { RunPlan } from '../stages/run-plan';
import { selectStage } from '../stages/select';
import type { Output } from '../stages/stage';
import type { ActivityDeps } from './deps';
import { extractionBatch } from './extract';
import { judgmentBatch } from './judge';
import { runLlmBatch, type PlannedBatch } from './llm-batch';
import { responseBatch } from './respond';
import { selectResponses } from './select';

/** What one model did at one stage. */
export interface PreviewedWork extends Pick<BatchOutcome, 'requests' | 'promptTokens' | 'completionTokens' | 'reused'> {
  readonly stage: 'extract' | 'respond' | 'judge';
  readonly model: string;
  /** Null without a price. */
  readonly usd: number | null;
  /** Wall time; of what was stored already, nothing. */
  readonly seconds: number;
}

/** A few instructions through the whole synthesis. */
export interface Preview {
  readonly instructions: readonly Instruction[];
  readonly responses: readonly Response[];
  readonly judgments: readonly Judgment[];
  readonly replay: readonly ReplayRow[];
  readonly failures: readonly Failure[];
  readonly work: readonly PreviewedWork[];
}

export interface PreviewOptions {
  readonly instructions: number;
  /** The chat templates that were read, by model. */
  readonly templates: NonNullable<ContentIdentities['templates']>;
  readonly stop: AbortSignal;
  /** Told before each stage of each model. */
  readonly onStage: (stage: string, model: string) => void;
}

/**
 * The synthesis of a spec on its first instructions, in this process: by the code, and with the requests, of a run. It is stored
 * like a run's, so that a second look costs nothing. Filters are left out: among so few they would find nothing.
 * @throws what a run would fail with
 */
export async function previewSynthesis(deps: ActivityDeps, spec: RunSpec, options: PreviewOptions): Promise<Preview> {
  const plan = previewPlan(spec, options);
  const shard = plan.shards[0]!;
  const { respond, judge } = spec.synthesis;
  const scope = { stop: options.stop, heartbeat: () => undefined };
  const work: PreviewedWork[] = [];
  const failures: Failure[] = [];

  async function run<Row extends { readonly id: string }>(stage: PreviewedWork['stage'], batch: PlannedBatch<Row>): Promise<Row[]> {
    const { model, output } = batch;
    options.onStage(stage, model);
    const from = Date.now();
    const { requests, promptTokens, completionTokens, reused, cost } = await runLlmBatch(deps, scope, {
      ...batch,
      runId: 'preview',
      given: { anyway: true }, // it shows what comes back, usable or not
    });
    const usd = spec.models[model]?.price === undefined ? null : cost.usd;
    const seconds = reused ? 0 : (Date.now() - from) / 1000;
    work.push({ stage, model, requests, promptTokens, completionTokens, reused, usd, seconds });
    return await readAll(deps, output, failures);
  }

  const instructions = await run('extract', extractionBatch(deps, plan, shard));
  const responses: Response[] = [];
  const judgments: Judgment[] = [];
  for (const generator of respond.generators) {
    responses.push(...(await run('respond', responseBatch(deps, plan, shard, generator))));
    for (const name of judge.judges) {
      judgments.push(...(await run('judge', judgmentBatch(deps, plan, shard, { judge: name, generator }))));
    }
  }
  await selectResponses(deps.stages, plan, shard);
  const replay = await readAll(deps, selectStage.at(plan, shard), failures);
  return { instructions, responses, judgments, replay, failures, work };
}

async function readAll<Row extends object>(deps: ActivityDeps, output: Output<Row>, failures: Failure[]): Promise<Row[]> {
  const stored = await deps.stages.input(output);
  failures.push(...(await deps.stages.readFailures(stored.manifest)));
  return await deps.stages.readRows(stored);
}

function previewPlan(spec: RunSpec, { instructions, templates }: PreviewOptions): RunPlan {
  const { quality: _left, ...synthesis } = spec.synthesis;
  const previewed: RunSpec = {
    ...spec,
    until: 'replay',
    // Every judge shows what it makes of every response.
    synthesis: { ...synthesis, extract: { ...synthesis.extract, instructions }, judge: { ...synthesis.judge, skip: 'none' } },
  };
  const content: ContentIdentities = {
    newData: 'none',
    weights: 'none',
    evaluation: [],
    replayFiles: {},
    ...(Object.keys(templates).length === 0 ? {} : { templates }),
  };
  return { spec: previewed, content, keys: stageKeys(previewed, content), shards: [{ index: 0, start: 0, end: instructions }] };
}
