import type { DamageNote } from '../../services/store/stage-store';
import type { Provenance } from './stage-ledger';
import type { SynthesisReport } from './synthesis-report';

export interface WarningSources {
  /** Whether every planned output is there. */
  readonly finished: boolean;
  readonly synthesis: SynthesisReport;
  readonly provenance: readonly Provenance[];
  /** Stored outputs that were found damaged. */
  readonly damage: readonly DamageNote[];
}

/** What limits the validity of a report: damaged or outdated outputs, counts that do not add up, winners that cannot be chosen again. */
export function reportWarnings({ finished, synthesis, provenance, damage }: WarningSources): string[] {
  const { instructions, responses, judgments, recomputed } = synthesis;
  const outdated = provenance.filter((group) => group.outdated > 0).map(({ stage, model }) => (model === '' ? stage : `${stage} ${model}`));
  const unaccounted = instructions.pending + responses.pending + judgments.pending;
  return [
    ...(damage.length === 0
      ? []
      : [
          `${damage.length} stored ${damage.length === 1 ? 'output was' : 'outputs were'} found damaged and made again: ${[...new Set(damage.map(({ address }) => address.stage))].sort().join(', ')}. Check the disk or the object store.`,
        ]),
    ...(outdated.length === 0
      ? []
      : [
          `Made from inputs or by a version of the code that are no longer current: ${outdated.join(', ')}. Start the run again to bring them up to date.`,
        ]),
    ...(finished && unaccounted !== 0
      ? [
          `The counts do not add up: ${instructions.pending} instructions, ${responses.pending} responses and ${judgments.pending} judgments are neither there nor counted as lost.`,
        ]
      : []),
    ...(recomputed.equal < recomputed.checked
      ? [
          `Choosing again from the stored judgments gives another result for ${recomputed.checked - recomputed.equal} of ${recomputed.checked} instructions.`,
        ]
      : []),
  ];
}
