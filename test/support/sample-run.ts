import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isLeaderboardTask } from '../../config/evaluation-splits';
import { weightsOf } from '../../config/fine-tuning';
import { selectionRules } from '../../config/selection-rules';
import { runSpecSchema, type RunSpecInput } from '../../config/spec';
import { instructionId, judgmentId, responseId } from '../../method/ids';
import { mix, planMixture } from '../../method/mixture';
import { createRandom } from '../../method/random';
import type { Failure, Instruction, Judgment, ReplayRow, Response } from '../../method/records';
import { conversationOf, selectBest } from '../../method/selection';
import { LocalArtifactStore, type ArtifactStore } from '../../services/store/artifact-store';
import { PlanStore } from '../../services/store/plan-store';
import { CHECKPOINT_FOLDER, storeFiles } from '../../services/store/stage-files';
import { StageStore, noCalls, type StageStats } from '../../services/store/stage-store';
import { Workspace } from '../../services/store/workspace';
import { stageKeys } from '../../stages/chain';
import { evaluateStage } from '../../stages/evaluate';
import type { SampleRow } from '../../stages/evaluate-task';
import { extractStage } from '../../stages/extract';
import { judgeStage } from '../../stages/judge';
import { mixStage } from '../../stages/mix';
import { partition, type Shard } from '../../stages/planned';
import { respondStage } from '../../stages/respond';
import { type RunPlan } from '../../stages/run-plan';
import { selectStage } from '../../stages/select';
import { trainStage } from '../../stages/train';
import { SAMPLE_ANSWERS, SAMPLE_INSTRUCTIONS } from './sample-texts';

export interface SampleRun {
  readonly runId: string;
  readonly root: string;
  readonly store: ArtifactStore;
  readonly stages: StageStore;
  readonly plans: PlanStore;
  readonly plan: RunPlan;
}

export interface SampleRunOptions {
  readonly root?: string;
  readonly runId?: string;
  /** What model text to put in place of the plausible one. */
  readonly instructionText?: (index: number) => string;
  readonly responseText?: (index: number, generator: string, sample: number) => string;
  readonly judgeText?: (score: number) => string;
  readonly lossReason?: string;
  readonly newText?: string;
  /** Folder whose files are the trained checkpoint; without it, the training has none. */
  readonly checkpoint?: string;
  /** Leave out what comes after this stage. */
  readonly until?: 'extract' | 'first shard' | 'select' | 'mix' | 'train' | 'official' | 'end';
  readonly spec?: (spec: RunSpecInput) => RunSpecInput;
}

const MODELS = ['careful', 'balanced', 'creative'] as const;
const QUALITY: Readonly<Record<string, number>> = { careful: 0.15, balanced: 0.1, creative: -0.2 };
const LENIENCY: Readonly<Record<string, number>> = { careful: -0.25, balanced: 0.1, creative: 0.4 };
const INSTRUCTIONS = 16;
const NEW_CONVERSATIONS = 8;
const START = Date.parse('2026-11-03T09:12:00Z');
const TASKS = { mmlu_pro: [0.25, 0.25, 8], gpqa: [0.375, 0.25, 8], ifeval: [0.42, 0.5, 6], math_level_5: [0, 0, 4] } as const;
const CHANCE = { mmlu_pro: 0.1, gpqa: 0.25, ifeval: 0, math_level_5: 0 } as const;

/** The spec of the sample run: three deployments of one model, expected scores, two shards. */
function sampleSpec(): RunSpecInput {
  const model = { baseURL: 'http://user:hunter2@127.0.0.1:8477/v1', model: 'smollm2-135m-instruct', template: 'smollm2' };
  return {
    version: 1,
    description: 'A small run with every kind of row.',
    seed: 7,
    models: { careful: model, balanced: { ...model, price: { inputUsdPerMillion: 0.05, outputUsdPerMillion: 0.2 } }, creative: model },
    target: { model: 'balanced', weights: 'builtin:smollm2-135m-instruct' },
    synthesis: {
      extract: { instructions: INSTRUCTIONS, sampling: { maxTokens: 96 } },
      respond: { generators: [...MODELS], samples: 3, sampling: { maxTokens: 80 } },
      judge: { judges: [...MODELS], scoring: 'expected', sampling: { maxTokens: 24 } },
      shardSize: 8,
    },
    mix: { newData: '/data/new-data.jsonl', newShare: 0.17 },
    train: { maxSteps: 5, maxLength: 512, dtype: 'float32', perDeviceBatchSize: 4, gradientAccumulation: 1 },
    report: { examples: 4 },
  };
}

/** Fills a store with a small plausible run, through the same stores that the activities use. */
export async function writeSampleRun(options: SampleRunOptions = {}): Promise<SampleRun> {
  const { runId = 'demo', until = 'end' } = options;
  const root = options.root ?? (await mkdtemp(join(tmpdir(), 'rehearse-sample-')));
  const store = new LocalArtifactStore({ root });
  const stages = new StageStore(store);
  const plans = new PlanStore(store);
  const spec = runSpecSchema.parse((options.spec ?? ((same) => same))(sampleSpec()));
  const content = {
    newData: 'a'.repeat(64),
    weights: weightsOf(spec),
    evaluation: spec.evaluate.tasks.map(() => 'b'.repeat(64)),
    replayFiles: {},
  };
  const { extract, shardSize } = spec.synthesis;
  const plan: RunPlan = { spec, content, keys: stageKeys(spec, content), shards: partition(extract.instructions, shardSize) };
  const hash = await plans.save(plan);
  await plans.saveRun({ runId, plan: hash, startedAt: new Date(START).toISOString(), warnings: [] });
  const run = { runId, root, store, stages, plans, plan };

  const shards = until === 'first shard' ? plan.shards.slice(0, 1) : plan.shards;
  const replay: ReplayRow[] = [];
  for (const shard of shards) replay.push(...(await writeShard(run, shard, options)));
  if (until === 'extract' || until === 'first shard' || until === 'select') return run;
  await writeMixture(
    run,
    replay,
    options.newText ?? 'Feed the starter with equal weights of flour and water, then wait until it has doubled.',
  );
  if (until === 'mix') return run;
  await writeTraining(run, options.checkpoint);
  if (until === 'train') return run;
  await writeEvaluation(run, 'official');
  if (until === 'official') return run;
  await writeEvaluation(run, 'method');
  return run;
}

async function writeShard({ stages, plan }: SampleRun, shard: Shard, options: SampleRunOptions): Promise<ReplayRow[]> {
  const { spec } = plan;
  const random = createRandom(1000 + shard.index);
  const unit = (): number => random.below(1_000_000) / 1_000_000;
  const usage = { promptTokens: 40, completionTokens: 60 };
  const stats = (calls: number, requests: number, startS: number, seconds: number): StageStats => {
    const start = START + (shard.index * 70 + startS) * 1000;
    return {
      calls,
      requests,
      promptTokens: requests * 120,
      completionTokens: calls * 55,
      modelMs: seconds * 3200,
      startedAt: new Date(start).toISOString(),
      finishedAt: new Date(start + seconds * 1000).toISOString(),
      transient: startS === 0 ? { timeout: 1 } : {},
    };
  };
  const indexes = Array.from({ length: shard.end - shard.start }, (_, offset) => shard.start + offset);

  const lostIndex = shard.start + 3;
  const instructions = indexes
    .filter((index) => index !== lostIndex)
    .map((index): Instruction => ({
      id: instructionId(index),
      text: options.instructionText?.(index) ?? SAMPLE_INSTRUCTIONS[index % SAMPLE_INSTRUCTIONS.length]!,
      model: spec.target.model,
      finishReason: 'stop',
      seed: index,
      attempts: 1,
      usage,
    }));
  const lostInstruction: Failure = {
    stage: 'extract',
    id: instructionId(lostIndex),
    model: spec.target.model,
    reason: 'truncated',
    attempts: 3,
  };
  const extract = extractStage.at(plan, shard);
  await stages.commit(extract, {
    rows: instructions,
    failures: [lostInstruction],
    stats: stats(indexes.length + 2, indexes.length + 2, 0, 9),
    inputs: [],
  });

  if (options.until === 'extract') return [];

  const responses: Response[] = [];
  const judgments: Judgment[] = [];
  const respondAddresses = MODELS.map((generator) => respondStage.at(plan, shard, generator));
  for (const [turn, generator] of MODELS.entries()) {
    const failures: Failure[] = [];
    const rows = instructions.flatMap(({ id }, position) =>
      [0, 1, 2].flatMap((sample): Response[] => {
        const index = shard.start + position;
        if (generator === 'creative' && sample === 2 && index === 5) {
          failures.push({
            stage: 'respond',
            id: responseId(id, generator, sample),
            model: generator,
            reason: options.lossReason ?? 'empty',
            attempts: 3,
          });
          return [];
        }
        const text =
          options.responseText?.(index, generator, sample) ?? SAMPLE_ANSWERS[(index * 3 + sample + turn) % SAMPLE_ANSWERS.length]!;
        return [
          {
            id: responseId(id, generator, sample),
            instructionId: id,
            model: generator,
            sample,
            text,
            finishReason: sample === 1 && turn === 2 ? 'length' : 'stop',
            seed: 1,
            attempts: 1,
            usage,
          },
        ];
      }),
    );
    responses.push(...rows);
    await stages.commit(respondAddresses[turn]!, {
      rows,
      failures,
      stats: stats(rows.length, instructions.length, 9 + turn * 6, 11 + turn * 4),
      inputs: [extract],
    });
  }

  const judgeAddresses = MODELS.flatMap((judge) => MODELS.map((generator) => judgeStage.at(plan, shard, judge, generator)));
  for (const judge of MODELS) {
    for (const [turn, generator] of MODELS.entries()) {
      const failures: Failure[] = [];
      const rows = responses
        .filter(({ model }) => model === generator)
        .map((response, position): Judgment => {
          const id = judgmentId(response.id, judge);
          const row = {
            id,
            responseId: response.id,
            instructionId: response.instructionId,
            judge,
            scoredBy: 'expected' as const,
            seed: 1,
            usage,
          };
          if (judge === 'creative' && generator === 'careful' && shard.index === 1 && position === 4) {
            const reason = 'the ratings hold too little probability: 0.021 of 0.05';
            failures.push({ stage: 'judge', id, model: judge, reason, attempts: 3 });
            return { ...row, score: null, raw: 'As an AI language model', ratingMass: 0.021, reason, attempts: 3 };
          }
          const noise = unit() + unit() + unit() - 1.5;
          const score = Math.min(
            4.9,
            Math.max(1.2, 3.3 + QUALITY[generator]! + LENIENCY[judge]! + 0.45 * noise + 0.3 * Math.sin(position)),
          );
          return {
            ...row,
            score,
            raw: options.judgeText?.(score) ?? `The answer addresses the question and is mostly clear.\n\nScore: ${Math.round(score)}`,
            ratingMass: 0.5 + 0.3 * unit(),
            attempts: 1,
          };
        });
      judgments.push(...rows);
      await stages.commit(judgeStage.at(plan, shard, judge, generator), {
        rows,
        failures,
        stats: stats(rows.length * 2, rows.length * 2, 30 + turn * 8, 13),
        inputs: [extract, respondAddresses[turn]!],
      });
    }
  }

  const kept: ReplayRow[] = [];
  const lost: Failure[] = [];
  for (const instruction of instructions) {
    const result = selectBest({
      instruction,
      judges: [...MODELS],
      expectedResponses: 9,
      ...selectionRules(spec.synthesis.select, MODELS.length),
      seed: spec.seed,
      responses: responses.filter(({ instructionId: id }) => id === instruction.id),
      judgments: judgments.filter(({ instructionId: id }) => id === instruction.id),
    });
    if ('replay' in result) kept.push(result.replay);
    else lost.push(result.lost);
  }
  await stages.commit(selectStage.at(plan, shard), {
    rows: kept,
    failures: lost,
    stats: noCallsAt(69 + shard.index * 70, 1),
    inputs: [extract, ...respondAddresses, ...judgeAddresses],
  });
  return kept;
}

async function writeMixture({ stages, plan }: SampleRun, replay: readonly ReplayRow[], newText: string): Promise<void> {
  const counts = planMixture({
    replayAvailable: replay.length,
    newAvailable: NEW_CONVERSATIONS,
    newShare: plan.spec.mix.newShare,
    onShortage: 'shrink-new',
  });
  const fresh = Array.from({ length: NEW_CONVERSATIONS }, (_, index) => ({
    id: `n${index}`,
    messages: [
      { role: 'user' as const, content: `How do I care for my starter, part ${index}?` },
      { role: 'assistant' as const, content: newText },
    ],
  }));
  await stages.commit(mixStage.at(plan, 'method'), {
    rows: mix({ replay: replay.map(conversationOf), new: fresh, plan: counts, seed: plan.spec.seed }),
    failures: [],
    stats: noCallsAt(142, 1),
    detail: {
      replay: counts.replayCount,
      new: counts.newCount,
      share: counts.share,
      replayLeftOut: counts.replayUnused,
      newLeftOut: counts.newUnused,
    },
    inputs: plan.shards.map((shard) => selectStage.at(plan, shard)),
  });
}

async function writeTraining({ store, stages, plan, root }: SampleRun, checkpoint: string | undefined): Promise<void> {
  const folder = stages.folder(trainStage.at(plan, 'method').address);
  const workspace = new Workspace({ root, isStore: true });
  if (checkpoint !== undefined) await cp(checkpoint, workspace.path(`${folder}/${CHECKPOINT_FOLDER}`), { recursive: true });
  const curve = [2.41, 2.38, 2.43, 2.35, 2.33].map((loss, index) => ({
    step: index + 1,
    loss,
    learningRate: 1e-6 * (1 - index / 5),
    gradNorm: 3 - index * 0.2,
  }));
  await stages.commit(trainStage.at(plan, 'method'), {
    rows: curve,
    failures: [],
    ...(checkpoint === undefined ? {} : { files: await storeFiles({ store, workspace }, folder, CHECKPOINT_FOLDER) }),
    stats: noCallsAt(143, 52),
    inputs: [mixStage.at(plan, 'method')],
    detail: {
      protocol: 1,
      kind: 'sft',
      checkpointDir: join(root, 'checkpoint'),
      steps: 5,
      examples: 14,
      tokens: 3120,
      trainedTokens: 2240,
      truncated: 1,
      dropped: 0,
      lossCurve: curve,
      seconds: 51.2,
      versions: { torch: '2.15.0', transformers: '5.23.0', trl: '1.16.0' },
      weightsSha256: 'c'.repeat(64),
    },
  });
}

async function writeEvaluation({ stages, plan }: SampleRun, variant: string): Promise<void> {
  const side = variant === 'official' ? 0 : 1;
  const tasks = plan.spec.evaluate.tasks.map(({ task }) => {
    if (!isLeaderboardTask(task)) throw new Error(`no figures for ${task}`);
    const { [side]: value, 2: documents } = TASKS[task];
    return {
      task,
      metrics: { score: value },
      stderr: { score: 0.15 },
      primary: { name: task === 'ifeval' ? 'strict_acc' : 'acc', value, stderr: 0.15 },
      normalized: (Math.max(0, value - CHANCE[task]) / (1 - CHANCE[task])) * 100,
      documents,
    };
  });
  const rows = tasks.flatMap(({ task, documents, primary }) =>
    Array.from({ length: documents }, (_, index): SampleRow => {
      // The trained model is right on other documents than before, so that there are transitions to show.
      const correct = (index + side) % documents < Math.round(primary.value * documents);
      return { task, docId: String(index), docHash: `${task}-${index}`, promptHash: `p-${task}-${index}`, correct, score: Number(correct) };
    }),
  );
  await stages.commit(evaluateStage.at(plan, variant), {
    rows,
    failures: [],
    stats: noCallsAt(200 + side * 60, 55),
    inputs: side === 0 ? [] : [trainStage.at(plan, 'method')],
    detail: {
      protocol: 1,
      kind: 'evaluate',
      tasks,
      average: tasks.reduce((sum, { normalized }) => sum + normalized, 0) / tasks.length,
      seconds: 54.1,
      versions: { lm_eval: '0.4.13', torch: '2.15.0' },
      weightsSha256: 'd'.repeat(64),
    },
  });
}

function noCallsAt(startS: number, seconds: number): StageStats {
  const start = START + startS * 1000;
  return { ...noCalls(new Date(start).toISOString()), finishedAt: new Date(start + seconds * 1000).toISOString() };
}
