import { setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { orderSignal } from '../contract/control';
import { type StageProgress, evaluationRow, HELD_OUT, progressQuery, waiting } from '../contract/progress';
import type { VariantResult } from '../contract/run';
import { STAGE_ATTRIBUTE, TARGET_MODEL_ATTRIBUTE } from '../contract/search-attributes';
import type { VariantInput } from '../contract/workflows';
import { activitiesOn } from './activities';
import { ControlledWork } from './control/controlled-work';
import { Root } from './control/root';
import { eachToItsEnd } from './control/together';
import { untilHandled } from './control/until-handled';
import { fineTune } from './fine-tuning';
import { variantRows } from './progress/progress-rows';
import { ProgressTable } from './progress/progress-table';

const cpu = activitiesOn('cpu');
const gpu = activitiesOn('gpu');

/** One row of the paper's table: mix, train, evaluate. The official model is only evaluated. */
export async function variant(input: VariantInput): Promise<VariantResult> {
  const root = new Root(input.runId);
  const work = new ControlledWork(input.order, async (request) => await root.requestPause(request));
  const progress = new ProgressTable(`Variant ${input.variant.name}`, variantRows(input, input.variant));
  progress.pause(input.order.pause);
  setHandler(progressQuery, () => progress.snapshot());
  setHandler(orderSignal, (latest) => {
    work.follow(latest);
    progress.pause(work.order.pause);
  });
  return await untilHandled(async () => await stages(input, { root, work, progress }));
}

/** A row of which all is done. */
function done(stage: string, model: string, total: number, note: string): StageProgress {
  return { ...waiting(stage, model, total), done: total, state: 'done', note };
}

interface Means {
  readonly root: Root;
  readonly work: ControlledWork;
  readonly progress: ProgressTable;
}

async function stages(input: VariantInput, { root, work, progress }: Means): Promise<VariantResult> {
  const {
    runId,
    plan,
    variant: { name, replay },
  } = input;
  const ref = { runId, plan, variant: name };

  async function enter(stage: string): Promise<void> {
    upsertSearchAttributes([
      { key: STAGE_ATTRIBUTE, value: stage },
      { key: TARGET_MODEL_ATTRIBUTE, value: input.target },
    ]);
    const rows = progress.snapshot().filter((row) => row.stage === stage);
    await book(rows.map((row) => ({ ...row, state: 'running' as const })));
  }

  async function book(rows: readonly StageProgress[]): Promise<void> {
    progress.apply({ mode: 'replace', rows });
    await root.report({ mode: 'replace', rows });
  }

  let trained: Pick<VariantResult, 'examples' | 'steps' | 'checkpoint'> = {};
  if (replay !== null) {
    if (replay !== 'method' && replay !== 'none') {
      await enter('replay');
      const set = await work.run(async () => await cpu.loadReplaySet.executeWithOptions({ summary: `replay set of ${name}` }, [ref]));
      await book([done('replay', name, 1, `${set.rows} conversations`)]);
    }
    await enter('mix');
    const mixture = await work.run(async () => await cpu.mixVariant.executeWithOptions({ summary: 'replay set + new data' }, [ref]));
    await book([done('mix', name, 1, `${mixture.replay} replay + ${mixture.new} new`)]);

    await enter('train');
    const training =
      input.fineTuning === true
        ? await fineTune(work, root, ref)
        : await work.run(async () => await gpu.trainVariant.executeWithOptions({ summary: `SFT of ${input.target}` }, [ref]));
    await book([
      done('train', name, input.trainSteps ?? 1, `${training.steps} steps, last loss ${training.lastLoss?.toFixed(3) ?? 'unknown'}`),
    ]);
    trained = { examples: mixture.replay + mixture.new, steps: training.steps, checkpoint: training.checkpoint };
  }

  await enter('evaluate');
  const model = await work.run(
    async () => await gpu.identifyModel.executeWithOptions({ summary: `what is ${name} by its content?` }, [ref]),
  );
  await eachToItsEnd([
    ...input.tasks.map((task) => async () => {
      const { documents, metric, score } = await work.run(
        async () => await gpu.evaluateTask.executeWithOptions({ summary: `${task} of ${name}` }, [{ ...ref, task, model }]),
      );
      await book([done('evaluate', evaluationRow(name, task), documents, `${metric} ${score.toFixed(3)}`)]);
    }),
    ...(input.holdOut === undefined
      ? []
      : [
          async () => {
            const losses = await work.run(
              async () =>
                await gpu.measureLosses.executeWithOptions({ summary: `loss of ${name} on what was kept back` }, [{ ...ref, model }]),
            );
            const note = Object.entries(losses)
              .map(([set, loss]) => `${set} ${loss.toFixed(3)}`)
              .join(', ');
            await book([done('evaluate', evaluationRow(name, HELD_OUT), 1, note)]);
          },
        ]),
  ]);
  const evaluation = await work.run(
    async () => await cpu.collectEvaluation.executeWithOptions({ summary: `scores of ${name}` }, [{ ...ref, model }]),
  );
  return {
    variant: name,
    ...trained,
    scores: evaluation.scores,
    average: evaluation.average,
    ...(evaluation.losses === undefined ? {} : { losses: evaluation.losses }),
  };
}
