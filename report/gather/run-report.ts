import type { RunSpec } from '../../config/spec';
import type { Cost } from '../../method/cost';
import type { DamageNote } from '../../services/store/stage-store';
import type { ContentIdentities } from '../../stages/planned';
import type { VariantReport } from './comparison-report';
import type { DataReport } from './data-report';
import type { EvaluationReport } from './evaluation-report';
import type { FailureGroup } from './failure-reasons';
import type { Frontier } from './frontier';
import type { HeldOutSetReport } from './held-out-report';
import type { Lineage } from './lineage';
import type { MixtureReport } from './mixture-report';
import type { StageUsage, Provenance } from './stage-ledger';
import type { SynthesisReport } from './synthesis-report';
import type { TrainingReport } from './training-report';

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
  /** Gain on the new data against forgetting; null where held-out rows do not tell both. */
  readonly frontier: Frontier | null;
  /** Of every variant: its replay set and its weights. */
  readonly lineage: readonly Lineage[];
  readonly usage: readonly StageUsage[];
  /** What asking the endpoints what they take has cost, whoever asked; null where nobody did. */
  readonly probed: Cost | null;
  /** Time in which any stage was at work, pauses left out. */
  readonly activeMs: number;
  readonly provenance: readonly Provenance[];
  /** Stored outputs of this run that were found damaged, at any time, and were made again. */
  readonly damage: readonly DamageNote[];
}
