import type { RunSpec } from '../../config/spec';
import { specOfVariant } from '../../config/training-method';
import { workingVariants } from '../../config/until';
import type { MixtureRow } from '../../method/records';
import type { ArtifactStore } from '../../services/store/artifact-store';
import type { PlanStore } from '../../services/store/plan-store';
import { type DamageNote, type StageStore } from '../../services/store/stage-store';
import { detailOf, type StoredOutput } from '../../services/store/stored-output';
import { evaluateStage } from '../../stages/evaluate';
import { holdOutStage } from '../../stages/hold-out';
import { mixStage, type MixtureDetail } from '../../stages/mix';
import { replayStage } from '../../stages/replay';
import type { RunPlan } from '../../stages/run-plan';
import type { Output } from '../../stages/stage';
import { trainStage, type LossRow, type TrainingDetail } from '../../stages/train';
import { reportComparison, type VariantSource } from './comparison-report';
import { dataCost } from './data-cost';
import { reportTrainingData } from './data-report';
import { reportEvaluation, type StoredEvaluation } from './evaluation-report';
import { FailureTally } from './failure-reasons';
import { reportFrontier } from './frontier';
import { reportHeldOut } from './held-out-report';
import { reportLineage, type Lineage } from './lineage';
import { reportMixture } from './mixture-report';
import { countOwnAnswers, keysOfOwnAnswers } from './own-answers';
import { reportWarnings } from './report-warnings';
import type { ReportData } from './run-report';
import { StageLedger } from './stage-ledger';
import { findOutput, reportSynthesis } from './synthesis-report';
import { reportTraining, tokensOfMixture } from './training-report';
import { kindOf, mainVariant } from './variant-kind';

export interface GatherOptions {
  readonly store: ArtifactStore;
  readonly stages: StageStore;
  readonly plans: PlanStore;
  readonly runId: string;
  readonly now: Date;
  /** Forgetting within which the report names the row that learns most, in nats a token; without it, the default. */
  readonly maxForgetting?: number;
}

/** The store knows nothing of a run. */
class UnknownRunError extends Error {
  override readonly name = 'UnknownRunError';
}

/**
 * Reads everything that the store knows of a run, finished or not, without a server. Memory holds one shard at a time, the
 * mixture and the evaluations.
 * @throws UnknownRunError when no run of that id was ever planned in this store
 * @throws CorruptArtifactError when a stored file is not what was written
 */
export async function gatherReport({ store, stages, plans, runId, now, maxForgetting }: GatherOptions): Promise<ReportData> {
  const record = await plans.findRun(runId);
  if (record === undefined) {
    const known = await plans.listRuns();
    throw new UnknownRunError(
      `no run "${runId}" in the store at ${store.location('runs')}; ` +
        (known.length === 0
          ? 'it holds no runs yet'
          : `it holds ${known.slice(0, 10).join(', ')}${known.length > 10 ? ` and ${known.length - 10} more` : ''}`),
    );
  }
  const plan = await plans.load(record.plan);
  const { spec, keys } = plan;
  const ledger = new StageLedger({ models: spec.models, startedAt: record.startedAt });
  const failureTally = new FailureTally();
  /** Of single tasks, which are found by the content of the model. */
  const taskKeys: string[] = [];

  const variants = workingVariants(spec);
  const main = mainVariant(variants, kindOf)?.name;

  async function find<Row extends object, Detail>(
    model: string,
    output: Output<Row, Detail>,
  ): Promise<StoredOutput<Row, Detail> | undefined> {
    const { found, outdated } = await findOutput(stages, output);
    ledger.add({ stage: output.stage.name, model, key: output.address.key }, found?.manifest, outdated);
    // Every variant's mixture leaves out the same rows: they are counted once.
    const counts = output.stage.name !== mixStage.name || model === main;
    if (found !== undefined && counts) failureTally.add(await stages.readFailures(found.manifest));
    return found;
  }

  async function evaluation(variant: string): Promise<StoredEvaluation | undefined> {
    const found = await find(variant, evaluateStage.at(plan, variant));
    for (const { address } of found?.manifest.inputs ?? []) taskKeys.push(address.key);
    return found === undefined
      ? undefined
      : { result: detailOf(found), samples: await stages.readRows(found), losses: await stages.readLosses(found.manifest) };
  }

  const synthesis = await reportSynthesis({ stages, plan, ledger, failureTally });
  const { until } = spec;
  const heldOut = keys.holdOut === undefined || until === 'replay' ? undefined : await find('', holdOutStage.at(plan));
  const heldOutRows = heldOut === undefined ? [] : await stages.readRows(heldOut);
  const synthesized = ledger.provenance();
  await countOwnAnswers({ stages, plan, ledger, failureTally });
  const answered = ledger.provenance();
  const failures = new Map((await plans.findOutcome(runId))?.failed.map(({ name, reason }) => [name, reason]));
  const found: FoundVariant[] = [];
  for (const variant of variants) {
    const { name } = variant;
    const has = keys.variants[name] ?? {};
    const replaySet = 'replay' in has ? await find(name, replayStage.at(plan, name)) : undefined;
    const mixed = 'mix' in has && until !== 'replay' ? await find(name, mixStage.at(plan, name)) : undefined;
    const trained = 'train' in has && until === undefined ? await find(name, trainStage.at(plan, name)) : undefined;
    const trainer = trained === undefined ? null : detailOf(trained);
    found.push({
      variant,
      mixed,
      trained,
      mixture: mixed === undefined ? null : detailOf(mixed),
      trainer,
      training: trainer === null || trainer.kind === 'interpolate' ? null : { tokens: tokensOfMixture(trainer), steps: trainer.steps },
      evaluation: until === undefined ? await evaluation(name) : undefined,
      lineage: reportLineage(name, replaySet, trainer),
      dataCost: dataCost(
        kindOf(variant),
        spec,
        variant.replay?.kind === 'own-answers' ? answered.filter(({ key }) => keysOfOwnAnswers(plan, name).has(key)) : synthesized,
      ),
      ...(failures.has(name) ? { failure: failures.get(name)! } : {}),
    });
  }
  const { mixed, trained, trainer = null, evaluation: after } = found.find(({ variant }) => variant.name === main) ?? {};
  const before = found.find(({ variant }) => variant.replay === null)?.evaluation;

  const mixtureRows = mixed === undefined ? [] : await stages.readRows(mixed);
  const usage = ledger.usage();
  const missing = usage
    .filter(({ parts }) => parts.done < parts.planned)
    .map(({ stage, model, parts }) => `${stage}${model === '' ? '' : ` ${model}`} (${parts.done} of ${parts.planned} parts)`);
  const losses = keys.holdOut === undefined || until !== undefined ? null : reportHeldOut(spec, found, heldOutRows);
  const report = {
    format: 1,
    runId,
    plan: record.plan,
    startedAt: record.startedAt,
    generatedAt: now.toISOString(),
    finished: missing.length === 0,
    missing,
    spec: withoutCredentials(spec),
    content: plan.content,
    shards: plan.shards.length,
    synthesis,
    losses: failureTally.result(),
    mixture:
      mixed === undefined
        ? null
        : reportMixture(detailOf(mixed), mixtureRows, spec.mix.newShare, trainer === null ? null : tokensOfMixture(trainer)),
    trainingData: mixed === undefined ? null : reportTrainingData(mixtureRows, spec.seed),
    training:
      trained === undefined || trainer === null
        ? null
        : reportTraining(trainer, await stages.readRows(trained), specOfVariant(spec, main!)),
    evaluation: reportEvaluation(spec, before, after),
    variants: reportComparison(spec, found),
    heldOut: losses,
    frontier: losses === null ? null : (reportFrontier(spec, losses, maxForgetting) ?? null),
    lineage: found.map(({ lineage }) => lineage),
    usage,
    probed: record.probed ?? null,
    activeMs: ledger.activeMs(),
    provenance: ledger.provenance(),
    damage: await damageOf(plan, taskKeys, stages),
  } as const;
  return { ...report, warnings: [...record.warnings, ...reportWarnings(report)] };
}

interface FoundVariant extends VariantSource {
  readonly lineage: Lineage;
  readonly mixed: StoredOutput<MixtureRow, MixtureDetail> | undefined;
  readonly trained: StoredOutput<LossRow, TrainingDetail> | undefined;
  readonly trainer: TrainingDetail | null;
}

/** A stage key is a hash: it stands for this plan wherever it is named. */
async function damageOf(plan: RunPlan, taskKeys: readonly string[], stages: StageStore): Promise<DamageNote[]> {
  const keys = JSON.stringify([plan.keys, taskKeys]);
  return (await stages.damageNotes()).filter(({ address }) => keys.includes(address.key));
}

/** Secrets are environment variables by rule; a URL can still carry a name and password. */
function withoutCredentials(spec: RunPlan['spec']): RunSpec {
  const models = Object.entries(spec.models).map(([name, model]) => {
    const url = new URL(model.baseURL);
    if (url.username === '' && url.password === '' && url.search === '') return [name, model] as const;
    url.username = '';
    url.password = '';
    url.search = '';
    return [name, { ...model, baseURL: url.href }] as const;
  });
  return { ...spec, models: Object.fromEntries(models) };
}
