import { baseRow, extracts } from '../config/own-answers';
import type { RunSpec } from '../config/spec';
import { activeQuality } from '../config/spec-quality';
import { specOf } from '../config/training-method';
import { variantsOf, type Variant } from '../config/variants';
import type { ReplayRow } from '../method/records';
import { documentsStage, type DocumentsKeys } from './documents';
import { evaluateStage } from './evaluate';
import { evaluateLossStage } from './evaluate-loss';
import { evaluateTaskStage } from './evaluate-task';
import { extractStage, type ExtractKeys } from './extract';
import { comparedDocuments, filterStage, instructionsOutput, type FilterKeys } from './filter';
import { holdOutStage, type HoldOutKeys } from './hold-out';
import { judgeStage, type JudgeKeys } from './judge';
import { judgeKeys, judgmentOutputs } from './judge-keys';
import { mixStage, mixtureBudget } from './mix';
import { fetchedSets, newDataStage, type NewDataKeys } from './new-data';
import { ownAnswersInput, ownAnswersKeys, type OwnKeys } from './own-answers';
import type { ContentIdentities, KeyOfVariants, Planned, Shard } from './planned';
import { promptsStage, type PromptsKeys } from './prompts';
import { replaySource, replayStage } from './replay';
import { respondStage, type RespondKeys } from './respond';
import { selectStage, type SelectKeys } from './select';
import { knownKey, type Output, type OutputRef, type StageInput } from './stage';
import { trainStage } from './train';

/** Every stage, in the order of the method. */
export const STAGES = [
  extractStage,
  promptsStage,
  documentsStage,
  filterStage,
  respondStage,
  judgeStage,
  selectStage,
  newDataStage,
  holdOutStage,
  replayStage,
  mixStage,
  trainStage,
  evaluateTaskStage,
  evaluateLossStage,
  evaluateStage,
] as const;

const POSITIONS = new Map<string, number>(STAGES.map(({ name }, index) => [name, index]));

/** Compares stages by their order in the method; what is no stage comes last. */
export function byStageOrder(a: string, b: string): number {
  return (POSITIONS.get(a) ?? STAGES.length) - (POSITIONS.get(b) ?? STAGES.length);
}

/** Whether a stage makes model calls. */
export function callsModels(name: string): boolean {
  return STAGES.some((stage) => stage.name === name && stage.callsModels);
}

/** Keys of all stages of a run, which each stage's file describes. */
export type StageKeys = ExtractKeys &
  DocumentsKeys &
  FilterKeys &
  RespondKeys &
  JudgeKeys &
  SelectKeys &
  NewDataKeys &
  HoldOutKeys &
  PromptsKeys &
  OwnKeys &
  KeysOfVariants;

type KeysOfVariants = KeyOfVariants<'replay' | 'mix' | 'train'> & {
  readonly variants: Readonly<Record<string, { readonly evaluate: string }>>;
};

type Plan = Pick<Planned<StageKeys>, 'spec' | 'keys'>;

/** A shard of the method's replay set, as the stages behind it read it. */
export function replaySetOutput(plan: Plan, shard: Shard): Output<ReplayRow> {
  return selectStage.at(plan, shard);
}

/** Outputs of a shard, in the order of the method. */
export function shardOutputs(plan: Plan, shard: Shard): OutputRef[] {
  const { respond, judge } = plan.spec.synthesis;
  return [
    instructionsOutput(plan, shard),
    ...(plan.keys.filter === undefined ? [] : [filterStage.at(plan, shard)]),
    ...respond.generators.map((generator) => respondStage.at(plan, shard, generator)),
    ...judge.judges.flatMap((name) => respond.generators.flatMap((generator) => judgmentOutputs(plan, shard, name, generator))),
    ...(judge.judges.length === 0 ? [] : [selectStage.at(plan, shard)]),
  ];
}

/** Keys of every stage of a spec: each stage's key holds the keys of what it is made from. */
export function stageKeys(spec: RunSpec, content: ContentIdentities): StageKeys {
  const { respond } = spec.synthesis;
  const extractKey = extractStage.key(spec, content);
  const filter = filterKeys(spec, content, extractKey);
  const instructions = filter === undefined ? extractStage.input(extractKey) : filterStage.input(filter.filter);
  const respondKeys = mapNames(respond.generators, (generator) => respondStage.key(spec, generator, instructions, content));
  const judgments = judgeKeys(spec, respondKeys, content);
  const selectKey = selectStage.key(spec, judgments);
  const own = ownAnswersKeys(spec, content);
  const replaySet = baseSet(spec, own) ?? selectStage.input(selectKey);
  const holdOut =
    spec.mix.holdOut === undefined ? undefined : holdOutStage.key(spec, content, replaySet, respondKeys[spec.target.model] ?? null);
  const synthesis = { spec, content, respond: respondKeys, ...judgments, ...own, replaySet, holdOut };
  return {
    extract: extractKey,
    ...filter,
    respond: respondKeys,
    ...judgments,
    select: selectKey,
    ...(fetchedSets(spec).length === 0 ? {} : { newData: newDataStage.key(spec) }),
    ...(holdOut === undefined ? {} : { holdOut }),
    ...own,
    variants: allVariantKeys(variantsOf(spec), synthesis),
  };
}

/** Own answers in the place of the method's replay set, where there is none. */
function baseSet(spec: RunSpec, { own }: OwnKeys): StageInput | undefined {
  const base = baseRow(spec);
  return base === undefined ? undefined : ownAnswersInput(own![base.name]!, spec.target.model);
}

interface SynthesisKeys extends RespondKeys, JudgeKeys, OwnKeys {
  readonly spec: RunSpec;
  readonly content: ContentIdentities;
  readonly replaySet: StageInput;
  readonly holdOut: string | undefined;
}

/** Keys of each variant; those that are interpolated hold the key of another one's training. */
function allVariantKeys(variants: readonly Variant[], synthesis: SynthesisKeys): StageKeys['variants'] {
  const { spec, content, holdOut } = synthesis;
  const own = Object.fromEntries(
    variants.flatMap((variant) =>
      variant.replay?.kind === 'interpolate' ? [] : [[variant.name, variantKeys(variant, synthesis)] as const],
    ),
  );
  return Object.fromEntries(
    variants.map(({ name, replay }) => {
      if (replay?.kind !== 'interpolate') return [name, own[name]!];
      const train = trainStage.key(spec, content, { train: knownKey(own[replay.of]?.train, `${replay.of}/train`), weight: replay.weight });
      return [name, { train, evaluate: evaluateStage.key(spec, content, trainStage.input(train), holdOut) }];
    }),
  );
}

function variantKeys(variant: Variant, synthesis: SynthesisKeys): StageKeys['variants'][string] {
  const { spec, content, replaySet, holdOut } = synthesis;
  if (variant.replay === null) return { evaluate: evaluateStage.key(spec, content, content.weights, holdOut) };
  const budget = mixtureBudget(spec, content, replaySet, holdOut);
  const source = replaySource(variant, { ...synthesis, budget });
  const replay = source === undefined ? undefined : replayStage.key(source);
  const own = specOf(spec, variant);
  const mix = mixStage.key(own, variant, budget, replay);
  const train = trainStage.key(own, content, { mix });
  return {
    ...(replay === undefined ? {} : { replay }),
    mix,
    train,
    evaluate: evaluateStage.key(spec, content, trainStage.input(train), holdOut),
  };
}

/** Keys of the filters, when the spec has one on, and of the documents that are fetched for them. */
function filterKeys(spec: RunSpec, content: ContentIdentities, extractKey: string): Required<FilterKeys & DocumentsKeys> | undefined {
  if (activeQuality(spec) === undefined || !extracts(spec)) return undefined;
  const fetched = comparedDocuments(spec, content).filter((each) => each.fetched);
  return {
    filter: filterStage.key(spec, content, extractKey),
    documents: Object.fromEntries(fetched.map(({ task, documents }) => [task, documentsStage.key(task, documents)])),
  };
}

function mapNames<T>(names: readonly string[], value: (name: string) => T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}
