import pLimit from 'p-limit';
import { fixedSteps } from '../../config/training-backends';
import { specOfVariant } from '../../config/training-method';
import { workingVariants } from '../../config/until';
import { type Variant } from '../../config/variants';
import { type StageProgress, evaluationRow, HELD_OUT, waiting } from '../../contract/progress';
import { addCounts } from '../../method/cost';
import { costOf, type Price } from '../../planning/price';
import { type StageManifest, type StageStore } from '../../services/store/stage-store';
import { detailOf, type StoredOutput } from '../../services/store/stored-output';
import { evaluateStage } from '../../stages/evaluate';
import { extractStage } from '../../stages/extract';
import { filterStage } from '../../stages/filter';
import { holdOutStage } from '../../stages/hold-out';
import { judgeStage } from '../../stages/judge';
import { mixStage } from '../../stages/mix';
import { ownAnswersPlans } from '../../stages/own-answers-plan';
import type { Shard } from '../../stages/planned';
import type { EvaluateResult } from '../../stages/python-results';
import { replayStage } from '../../stages/replay';
import { respondStage } from '../../stages/respond';
import { type RunPlan } from '../../stages/run-plan';
import { selectStage } from '../../stages/select';
import type { OutputRef, Output } from '../../stages/stage';
import { trainStage, type TrainingDetail } from '../../stages/train';

const PARALLEL_READS = 16;

interface Part {
  readonly output: OutputRef;
  /** Items of the row that this output settles. */
  readonly items: number;
}

/** A run's rows as far as the store knows them: finished outputs only, nothing of what is in work. */
export async function storedProgress(stages: StageStore, plan: RunPlan): Promise<StageProgress[]> {
  const { respond, judge } = plan.spec.synthesis;
  const { shards } = plan;
  const limit = pLimit(PARALLEL_READS);

  async function find<Row extends object, Detail>(output: Output<Row, Detail>): Promise<StoredOutput<Row, Detail> | undefined> {
    return await limit(async () => await stages.find(output));
  }

  /** A row over several outputs of one stage. */
  async function rowOf(model: string, parts: readonly Part[]): Promise<StageProgress> {
    const manifests = await Promise.all(parts.map(async ({ output }) => await limit(async () => await stages.findManifest(output))));
    return sumRow({ stage: parts[0]!.output.stage.name, model, price: plan.spec.models[model]?.price, parts, manifests });
  }

  /** A row of one output, with what it says. */
  async function rowWithNote<Row extends object, Detail>(
    model: string,
    part: { readonly output: Output<Row, Detail>; readonly items: number },
    note: (detail: Detail) => string,
  ): Promise<StageProgress> {
    const found = await find(part.output);
    const row = sumRow({ stage: part.output.stage.name, model, price: undefined, parts: [part], manifests: [found?.manifest] });
    return found === undefined ? row : { ...row, note: note(detailOf(found)) };
  }

  const verdicts =
    plan.keys.filter === undefined ? [] : await Promise.all(shards.map(async (shard) => await find(filterStage.at(plan, shard))));
  const sizeOf = ({ start, end }: Shard): number => end - start;
  // Instructions of a shard that are answered: those that the filters kept, as soon as that is known.
  const answered = (shard: Shard): number => {
    const verdict = verdicts[shard.index];
    return verdict === undefined ? sizeOf(shard) : detailOf(verdict).kept;
  };
  const perShard = (output: (shard: Shard) => OutputRef, items: (shard: Shard) => number): Part[] =>
    shards.map((shard) => ({ output: output(shard), items: items(shard) }));
  const perResponse = (output: (shard: Shard) => OutputRef): Part[] => perShard(output, (shard) => answered(shard) * respond.samples);

  const variantRows = ({ name, replay }: Variant): Promise<StageProgress>[] => {
    const ends = plan.spec.until !== undefined;
    const heldOut = plan.keys.holdOut === undefined ? [] : [HELD_OUT];
    const evaluated = ends ? [] : [...plan.spec.evaluate.tasks.map(({ task }) => task), ...heldOut];
    const evaluation = evaluated.map(async (task) => {
      const found = await find(evaluateStage.at(plan, name));
      return evaluationProgress(name, task, found === undefined ? undefined : detailOf(found));
    });
    if (replay === null) return evaluation;
    const train = (items: number): Promise<StageProgress> => rowWithNote(name, { output: trainStage.at(plan, name), items }, trainingSaid);
    if (replay.kind === 'interpolate') return [train(1), ...evaluation];
    const own =
      plan.keys.variants[name]?.replay === undefined
        ? []
        : [rowWithNote(name, { output: replayStage.at(plan, name), items: 1 }, ({ rows }) => `${rows} conversations`)];
    if (plan.spec.until === 'replay') return own;
    return [
      ...own,
      rowWithNote(name, { output: mixStage.at(plan, name), items: 1 }, bothSides),
      ...(ends ? [] : [train(fixedSteps(specOfVariant(plan.spec, name)) ?? 1)]),
      ...evaluation,
    ];
  };
  const own = ownParts(plan);
  const method = shards.length > 0;
  const extraction = method
    ? [
        rowOf(
          plan.spec.target.model,
          perShard((shard) => extractStage.at(plan, shard), sizeOf),
        ),
      ]
    : [];
  const answering = [...new Set([...(method ? respond.generators : []), ...own.respond.keys()])];
  const judging = [...new Set([...(method ? judge.judges : []), ...own.judge.keys()])];
  return await Promise.all([
    ...extraction,
    ...(plan.keys.filter === undefined
      ? []
      : [
          rowOf(
            '',
            perShard((shard) => filterStage.at(plan, shard), sizeOf),
          ),
        ]),
    ...answering.map(
      async (name) =>
        await rowOf(name, [
          ...(respond.generators.includes(name) ? perResponse((shard) => respondStage.at(plan, shard, name)) : []),
          ...(own.respond.get(name) ?? []),
        ]),
    ),
    ...judging.map(
      async (name) =>
        await rowOf(name, [
          ...respond.generators.flatMap((generator) => perResponse((shard) => judgeStage.at(plan, shard, name, generator))),
          ...(own.judge.get(name) ?? []),
        ]),
    ),
    ...(method
      ? [
          rowOf(
            '',
            perShard((shard) => selectStage.at(plan, shard), answered),
          ),
        ]
      : []),
    ...[...own.select].map(async ([name, parts]) => await rowOf(name, parts)),
    ...(plan.keys.holdOut === undefined || plan.spec.until === 'replay'
      ? []
      : [rowWithNote('', { output: holdOutStage.at(plan), items: 1 }, bothSides)]),
    ...workingVariants(plan.spec).flatMap((variant) => variantRows(variant)),
  ]);
}

/** What the target answers by itself, by the row that it counts in: of models with those of the method, of selections by the row of the table. */
function ownParts(plan: RunPlan): Record<'respond' | 'judge' | 'select', Map<string, Part[]>> {
  const parts = { respond: new Map<string, Part[]>(), judge: new Map<string, Part[]>(), select: new Map<string, Part[]>() };
  const add = (to: Map<string, Part[]>, row: string, part: Part): void => void to.set(row, [...(to.get(row) ?? []), part]);
  for (const [name, own] of ownAnswersPlans(plan)) {
    const { respond, judge } = own.spec.synthesis;
    const target = own.spec.target.model;
    for (const shard of own.shards) {
      const prompts = shard.end - shard.start;
      add(parts.respond, target, { output: respondStage.at(own, shard, target), items: prompts * respond.samples });
      for (const each of judge.judges) {
        add(parts.judge, each, { output: judgeStage.at(own, shard, each, target), items: prompts * respond.samples });
      }
      if (judge.judges.length > 0) add(parts.select, name, { output: selectStage.at(own, shard), items: prompts });
    }
  }
  return parts;
}

interface RowParts {
  readonly stage: string;
  readonly model: string;
  readonly price: Price | undefined;
  readonly parts: readonly Part[];
  readonly manifests: readonly (StageManifest | undefined)[];
}

function sumRow({ stage, model, price, parts, manifests }: RowParts): StageProgress {
  const found = manifests.filter((manifest) => manifest !== undefined);
  const sum = (value: (manifest: StageManifest) => number): number => found.reduce((total, manifest) => total + value(manifest), 0);
  const done = parts.reduce((total, { items }, index) => total + (manifests[index] === undefined ? 0 : items), 0);
  return {
    stage,
    model,
    done,
    total: parts.reduce((total, { items }) => total + items, 0),
    failed: sum(({ failures }) => failures.rows),
    promptTokens: sum(({ stats }) => stats.promptTokens),
    completionTokens: sum(({ stats }) => stats.completionTokens),
    usd: sum(({ stats }) => costOf(stats.counted ?? stats, price).usd),
    errors: found.reduce<Record<string, number>>((all, { stats }) => addCounts(all, addCounts(stats.transient, stats.refused ?? {})), {}),
    state: found.length === parts.length ? 'done' : found.length === 0 ? 'waiting' : 'running',
  };
}

function trainingSaid(detail: TrainingDetail): string {
  if (detail.kind === 'interpolate') return 'interpolated';
  return `${detail.steps} steps, last loss ${detail.lossCurve.at(-1)?.loss.toFixed(3) ?? 'unknown'}`;
}

function bothSides({ replay, new: fresh }: { readonly replay: number; readonly new: number }): string {
  return `${replay} replay + ${fresh} new`;
}

/** A task's row. Tasks are found by the content of a model that is on another machine, so what is known here is all of them or none. */
function evaluationProgress(variant: string, task: string, result: EvaluateResult | undefined): StageProgress {
  if (task === HELD_OUT && result?.losses !== undefined) {
    const note = result.losses.map(({ name, loss }) => `${name} ${loss.toFixed(3)}`).join(', ');
    return { ...waiting('evaluate', evaluationRow(variant, task), 1), done: 1, state: 'done', note };
  }
  const found = result?.tasks.find((each) => each.task === task);
  const row = waiting('evaluate', evaluationRow(variant, task), found?.documents ?? 1);
  return found === undefined
    ? row
    : { ...row, done: found.documents, state: 'done', note: `${found.primary.name} ${found.primary.value.toFixed(3)}` };
}
