import pLimit from 'p-limit';
import type { FilterDetail } from '../../activities/filter';
import type { HoldOutDetail } from '../../activities/hold-out';
import type { MixtureDetail } from '../../activities/mix';
import type { ReplaySetDetail } from '../../activities/replay-set';
import { variantsOf, type Variant } from '../../config/variants';
import { type StageProgress, evaluationRow, HELD_OUT, waiting } from '../../contract/progress';
import { addCounts } from '../../method/cost';
import { costOf, type Price } from '../../planning/price';
import type { EvaluateResult, SftResult } from '../../services/python/python-protocol';
import type { StageManifest, StageStore } from '../../services/store/stage-store';
import type { StageAddress } from '../../stages/address';
import { addresses, type RunPlan, type Shard } from '../../stages/run-plan';
import { ROWS_VERSIONS, type StageName } from '../../stages/stage-keys';

const PARALLEL_READS = 16;

interface Part {
  readonly address: StageAddress;
  /** Items of the row that this output settles. */
  readonly items: number;
}

/** A run's rows as far as the store knows them: finished outputs only, nothing of what is in work. */
export async function storedProgress(stages: StageStore, plan: RunPlan): Promise<StageProgress[]> {
  const { respond, judge } = plan.spec.synthesis;
  const { shards } = plan;
  const size = ({ start, end }: Shard): number => end - start;
  const limit = pLimit(PARALLEL_READS);
  const find = async (address: StageAddress): Promise<StageManifest | undefined> =>
    await limit(async () => await stages.find(address, ROWS_VERSIONS[address.stage as StageName]));
  const row = async (
    stage: string,
    model: string,
    parts: readonly Part[],
    note?: (manifest: StageManifest) => string,
  ): Promise<StageProgress> =>
    sumRow({
      stage,
      model,
      price: plan.spec.models[model]?.price,
      parts,
      manifests: await Promise.all(parts.map(async ({ address }) => await find(address))),
      note,
    });
  const perShard = (address: (shard: Shard) => StageAddress, itemsEach: number): Part[] =>
    shards.map((shard) => ({ address: address(shard), items: size(shard) * itemsEach }));
  const filtered = plan.keys.filter !== undefined;
  const verdicts = filtered ? await Promise.all(shards.map(async (shard) => await find(addresses.filter(plan, shard)))) : [];
  // Instructions of a shard that are answered: those that the filters kept, as soon as that is known.
  const answered = (shard: Shard): number => (verdicts[shard.index]?.detail as FilterDetail | undefined)?.kept ?? size(shard);
  const perAnswered = (address: (shard: Shard) => StageAddress, itemsEach: number): Part[] =>
    shards.map((shard) => ({ address: address(shard), items: answered(shard) * itemsEach }));

  const trainSteps = (plan.spec.train.backend === 'trl' ? plan.spec.train.maxSteps : undefined) ?? 1;
  const variantRows = ({ name, replay }: Variant): Promise<StageProgress>[] => {
    const all = (
      stage: 'replay' | 'mix' | 'train' | 'evaluate',
      items: number,
      note: (manifest: StageManifest) => string,
    ): Promise<StageProgress> => row(stage, name, [{ address: addresses[stage](plan, name), items }], note);
    const heldOut = plan.keys.holdOut === undefined ? [] : [HELD_OUT];
    const evaluation = [...plan.spec.evaluate.tasks.map(({ task }) => task), ...heldOut].map(async (task) =>
      evaluationProgress(name, task, await find(addresses.evaluate(plan, name))),
    );
    if (replay === null) return evaluation;
    const own = replay.kind === 'method' || replay.kind === 'none' ? [] : [all('replay', 1, replayNote)];
    return [...own, all('mix', 1, mixtureNote), all('train', trainSteps, trainNote), ...evaluation];
  };
  return await Promise.all([
    row(
      'extract',
      plan.spec.target.model,
      perShard((shard) => addresses.extract(plan, shard), 1),
    ),
    ...(filtered
      ? [
          row(
            'filter',
            '',
            perShard((shard) => addresses.filter(plan, shard), 1),
          ),
        ]
      : []),
    ...respond.generators.map(
      async (name) =>
        await row(
          'respond',
          name,
          perAnswered((shard) => addresses.respond(plan, shard, name), respond.samples),
        ),
    ),
    ...judge.judges.map(
      async (name) =>
        await row(
          'judge',
          name,
          respond.generators.flatMap((generator) => perAnswered((shard) => addresses.judge(plan, shard, name, generator), respond.samples)),
        ),
    ),
    row(
      'select',
      '',
      perAnswered((shard) => addresses.select(plan, shard), 1),
    ),
    ...(plan.keys.holdOut === undefined ? [] : [row('holdout', '', [{ address: addresses.holdOut(plan), items: 1 }], holdOutNote)]),
    ...variantsOf(plan.spec).flatMap((variant) => variantRows(variant)),
  ]);
}

interface RowParts {
  readonly stage: string;
  readonly model: string;
  readonly price: Price | undefined;
  readonly parts: readonly Part[];
  readonly manifests: readonly (StageManifest | undefined)[];
  readonly note?: (manifest: StageManifest) => string;
}

function sumRow({ stage, model, price, parts, manifests, note }: RowParts): StageProgress {
  const found = manifests.filter((manifest) => manifest !== undefined);
  const sum = (value: (manifest: StageManifest) => number): number => found.reduce((total, manifest) => total + value(manifest), 0);
  const done = parts.reduce((total, { items }, index) => total + (manifests[index] === undefined ? 0 : items), 0);
  const last = found.at(-1);
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
    ...(note === undefined || last === undefined ? {} : { note: note(last) }),
  };
}

function replayNote({ detail }: StageManifest): string {
  return `${(detail as ReplaySetDetail).rows} conversations`;
}

function holdOutNote({ detail }: StageManifest): string {
  const { replay, new: fresh } = detail as HoldOutDetail;
  return `${replay} replay + ${fresh} new`;
}

function mixtureNote({ detail }: StageManifest): string {
  const { replay, new: fresh } = detail as MixtureDetail;
  return `${replay} replay + ${fresh} new`;
}

function trainNote({ detail }: StageManifest): string {
  const { steps, lossCurve } = detail as Pick<SftResult, 'steps' | 'lossCurve'>; // of whichever trainer
  return `${steps} steps, last loss ${lossCurve.at(-1)?.loss.toFixed(3) ?? 'unknown'}`;
}

/** A task's row. Tasks are found by the content of a model that is on another machine, so what is known here is all of them or none. */
function evaluationProgress(variant: string, task: string, manifest: StageManifest | undefined): StageProgress {
  const result = manifest?.detail as EvaluateResult | undefined;
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
