import type { RunSpec } from '../../config/spec';
import { variantsOf, type Variant } from '../../config/variants';
import type { ArtifactStore } from '../../services/store/artifact-store';
import type { PlanStore } from '../../services/store/plan-store';
import type { DamageNote, StageManifest, StageStore } from '../../services/store/stage-store';
import type { StageAddress } from '../../stages/address';
import { addresses, type RunPlan } from '../../stages/run-plan';
import type { ContentIdentities, StageName } from '../../stages/stage-keys';
import { heldOutTable, lossTable, mixtureTable, sampleTable } from '../../stages/tables';
import { reportComparison, type VariantReport, type VariantSource } from './comparison-report';
import { dataCost } from './data-cost';
import { reportTrainingData, type DataReport } from './data-report';
import { evaluationResult, reportEvaluation, type EvaluationReport, type StoredEvaluation } from './evaluation-report';
import { FailureTally, type FailureGroup } from './failure-reasons';
import { reportHeldOut, type HeldOutSetReport } from './held-out-report';
import { reportLineage, type Lineage } from './lineage';
import { mixtureDetail, reportMixture, type MixtureReport } from './mixture-report';
import { reportWarnings } from './report-warnings';
import { StageLedger, type Provenance, type StageUsage } from './stage-ledger';
import { findOutput, reportSynthesis, type SynthesisReport } from './synthesis-report';
import { reportTraining, tokensOfMixture, trainerResult, type TrainerResult, type TrainingReport } from './training-report';

/** All that a report says, as plain JSON. */
export interface ReportData {
  readonly format: 1;
  readonly runId: string;
  /** Hash under which the plan is stored. */
  readonly plan: string;
  /** ISO time of the run's last start. */
  readonly startedAt: string;
  readonly generatedAt: string;
  /** Whether every planned output is there. */
  readonly finished: boolean;
  /** Stages that are not done, such as `judge small (1 of 2 parts)`. */
  readonly missing: readonly string[];
  /** What limits the validity of the numbers. */
  readonly warnings: readonly string[];
  readonly spec: RunSpec;
  readonly content: ContentIdentities;
  readonly shards: number;
  readonly synthesis: SynthesisReport;
  /** What was asked for and could not be made, by stage and reason. */
  readonly losses: readonly FailureGroup[];
  readonly mixture: MixtureReport | null;
  /** Texts of that mixture: topics, lengths, repetitions. */
  readonly trainingData: DataReport | null;
  readonly training: TrainingReport | null;
  readonly evaluation: EvaluationReport;
  /** The table: every variant beside the official model. */
  readonly variants: readonly VariantReport[];
  /** Losses on held-out conversations; null where the spec holds nothing out. */
  readonly heldOut: readonly HeldOutSetReport[] | null;
  /** Of every variant: its replay set and its weights. */
  readonly lineage: readonly Lineage[];
  readonly usage: readonly StageUsage[];
  /** Time in which any stage was at work, pauses left out. */
  readonly activeMs: number;
  readonly provenance: readonly Provenance[];
  /** Stored outputs of this run that were found damaged, at any time, and were made again. */
  readonly damage: readonly DamageNote[];
}

export interface GatherOptions {
  readonly store: ArtifactStore;
  readonly stages: StageStore;
  readonly plans: PlanStore;
  readonly runId: string;
  readonly now: Date;
}

/** The store knows nothing of a run. */
export class UnknownRunError extends Error {
  override readonly name = 'UnknownRunError';
}

/**
 * Reads everything that the store knows of a run, finished or not, without a server. Memory holds one shard at a time, the
 * mixture and the evaluations.
 * @throws UnknownRunError when no run of that id was ever planned in this store
 * @throws CorruptArtifactError when a stored file is not what was written
 */
export async function gatherReport({ store, stages, plans, runId, now }: GatherOptions): Promise<ReportData> {
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

  async function find(stage: StageName, model: string, key: string, address: StageAddress): Promise<StageManifest | undefined> {
    const { manifest, outdated } = await findOutput(stages, address);
    ledger.add({ stage, model, key }, manifest, outdated);
    if (manifest !== undefined && manifest.failures.rows > 0) failureTally.add(await stages.readFailures(manifest));
    return manifest;
  }

  async function findOf(stage: VariantStage, variant: string): Promise<StageManifest | undefined> {
    const key = keys.variants[variant]?.[stage];
    return key === undefined ? undefined : await find(stage, variant, key, addresses[stage](plan, variant));
  }

  async function evaluation(variant: string): Promise<StoredEvaluation | undefined> {
    const manifest = await findOf('evaluate', variant);
    for (const { address } of manifest?.inputs ?? []) taskKeys.push(address.key);
    return manifest === undefined
      ? undefined
      : {
          result: evaluationResult(manifest),
          samples: await stages.readRows(manifest, sampleTable),
          losses: await stages.readLosses(manifest),
        };
  }

  const synthesis = await reportSynthesis({ stages, plan, ledger, failureTally });
  const kept = keys.holdOut === undefined ? undefined : await find('holdout', '', keys.holdOut, addresses.holdOut(plan));
  const heldOutRows = kept === undefined ? [] : await stages.readRows(kept, heldOutTable);
  const synthesized = ledger.provenance();
  const variants = variantsOf(spec);
  const main = mainVariant(variants);
  const failures = new Map((await plans.findOutcome(runId))?.failed.map(({ name, reason }) => [name, reason]));
  const found: FoundVariant[] = [];
  for (const variant of variants) {
    const { name } = variant;
    const replaySet = await findOf('replay', name);
    const [mixed, trained] = [await findOf('mix', name), await findOf('train', name)];
    const trainer = trained === undefined ? null : trainerResult(trained);
    found.push({
      variant,
      mixed,
      trained,
      mixture: mixed === undefined ? null : mixtureDetail(mixed),
      trainer,
      training: trainer === null ? null : { tokens: tokensOfMixture(trainer), steps: trainer.steps },
      evaluation: await evaluation(name),
      lineage: reportLineage(name, replaySet, trainer),
      dataCost: dataCost(variant.replay?.kind ?? 'official', spec, synthesized),
      ...(failures.has(name) ? { failure: failures.get(name)! } : {}),
    });
  }
  const { mixed, trained, trainer = null, evaluation: after } = found.find(({ variant }) => variant.name === main) ?? {};
  const before = found.find(({ variant }) => variant.replay === null)?.evaluation;

  const mixtureRows = mixed === undefined ? [] : await stages.readRows(mixed, mixtureTable);
  const usage = ledger.usage();
  const missing = usage
    .filter(({ parts }) => parts.done < parts.planned)
    .map(({ stage, model, parts }) => `${stage}${model === '' ? '' : ` ${model}`} (${parts.done} of ${parts.planned} parts)`);
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
      mixed === undefined ? null : reportMixture(mixed, mixtureRows, spec.mix.newShare, trainer === null ? null : tokensOfMixture(trainer)),
    trainingData: mixed === undefined ? null : reportTrainingData(mixtureRows, spec.seed),
    training: trained === undefined || trainer === null ? null : reportTraining(trainer, await stages.readRows(trained, lossTable), spec),
    evaluation: reportEvaluation(spec, before, after),
    variants: reportComparison(spec, found),
    heldOut: keys.holdOut === undefined ? null : reportHeldOut(spec, found, heldOutRows),
    lineage: found.map(({ lineage }) => lineage),
    usage,
    activeMs: ledger.activeMs(),
    provenance: ledger.provenance(),
    damage: await damageOf(plan, taskKeys, stages),
  } as const;
  return { ...report, warnings: [...record.warnings, ...reportWarnings(report)] };
}

interface FoundVariant extends VariantSource {
  readonly lineage: Lineage;
  readonly mixed: StageManifest | undefined;
  readonly trained: StageManifest | undefined;
  readonly trainer: TrainerResult | null;
}

type VariantStage = 'replay' | 'mix' | 'train' | 'evaluate';

/** The variant that the report tells in detail: the method, or the first that is trained. */
function mainVariant(variants: readonly Variant[]): string {
  const trained = variants.filter(({ replay }) => replay !== null);
  return (trained.find(({ replay }) => replay?.kind === 'method') ?? trained[0])?.name ?? 'method';
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
