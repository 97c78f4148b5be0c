import { formatList } from '../../contract/figures';
import { failingJudges } from '../../method/judge-failures';
import type { DamageNote } from '../../services/store/stage-store';
import type { EvaluationReport } from './evaluation-report';
import type { FailureGroup } from './failure-reasons';
import type { MixtureReport } from './mixture-report';
import type { Provenance, StageUsage } from './stage-ledger';
import type { SynthesisReport } from './synthesis-report';

export interface WarningSources {
  /** Whether every planned output is there. */
  readonly finished: boolean;
  readonly synthesis: SynthesisReport;
  /** Null while nothing is mixed. */
  readonly mixture: MixtureReport | null;
  readonly evaluation: Pick<EvaluationReport, 'tasks' | 'fewestDocuments'>;
  readonly provenance: readonly Provenance[];
  readonly usage: readonly StageUsage[];
  /** What was lost, by stage and reason. */
  readonly losses: readonly FailureGroup[];
  /** Stored outputs that were found damaged. */
  readonly damage: readonly DamageNote[];
}

/** From this part of cut answers on, what is trained is how to begin an answer, not how to end one. */
const MOSTLY_CUT = 0.5;
/** Krippendorff's alpha below which scores are little better than drawn; 0 is chance. */
const NO_AGREEMENT = 0.1;
/** Fewer say nothing of agreement. */
const LEAST_RESPONSES = 20;

/** What makes the numbers below mean something else than they say: shown before all else. */
function invalidating({ synthesis, mixture, evaluation }: WarningSources): string[] {
  const { alpha } = synthesis.scores.agreement;
  const trained = mixture === null ? 0 : mixture.replay.examples + mixture.new.examples;
  return [
    ...(mixture !== null && mixture.cut > 0 && mixture.cut >= MOSTLY_CUT * trained
      ? [
          `${mixture.cut} of ${trained} examples of the mixture end where their answer was cut at a token limit, so the model hardly learns to end one. Raise synthesis.respond.sampling.maxTokens, or set synthesis.select.truncated: drop.`,
        ]
      : []),
    ...(alpha.alpha !== null && alpha.alpha < NO_AGREEMENT && alpha.units >= LEAST_RESPONSES
      ? [
          `The judges do not agree: Krippendorff's alpha is ${alpha.alpha.toFixed(2)} over ${alpha.units} responses, where 0 is chance. The responses that were kept are little better than drawn by lot; look at the examples, and choose other judges or scoring: expected.`,
        ]
      : []),
    ...fewDocuments(evaluation),
  ];
}

/** Tasks that were evaluated on so few documents that their scores say nothing. */
function fewDocuments({ tasks, fewestDocuments }: WarningSources['evaluation']): string[] {
  const few = tasks.filter(({ tooFew }) => tooFew).map(({ task }) => task);
  if (few.length === 0 || fewestDocuments === null) return [];
  const which = few.length === tasks.length ? 'Every task' : formatList(few);
  return [
    `A demonstration, which measures nothing. ${which} was evaluated on very few documents (as few as ${fewestDocuments}), so that a single answer moves a score by ${Math.round(100 / fewestDocuments)} points. These numbers show that the method runs from end to end; they do not show what was forgotten.`,
  ];
}

/** What limits the validity of a report: what invalidates it, damaged or outdated outputs, counts that do not add up, winners that cannot be chosen again. */
export function reportWarnings(sources: WarningSources): string[] {
  const { finished, synthesis, provenance, damage } = sources;
  const { instructions, responses, judgments, recomputed, health } = synthesis;
  const outdated = provenance.filter((group) => group.outdated > 0).map(({ stage, model }) => (model === '' ? stage : `${stage} ${model}`));
  const unaccounted = instructions.pending + responses.pending + judgments.pending;
  return [
    ...invalidating(sources),
    ...(health?.warnings ?? []).map((sentence) => `Of the extraction: ${sentence}.`),
    ...judgesThatFail(sources),
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

/** Judges that often give no score, with their commonest reason. */
function judgesThatFail({ usage, losses, synthesis }: WarningSources): string[] {
  const judges = usage.filter(({ stage }) => stage === 'judge');
  const failures = judges.map(({ model, rows }) => {
    const skipped = synthesis.skips?.judges.find(({ judge }) => judge === model)?.skipped ?? 0;
    const reasons = losses.flatMap(({ stage, reason, models }): [string, number][] =>
      stage === 'judge' && models[model] !== undefined ? [[reason, models[model]]] : [],
    );
    return { judge: model, asked: rows - skipped, reasons: Object.fromEntries(reasons) };
  });
  return failingJudges(failures).map((sentence) => `${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)}.`);
}
