import { trainingTraits } from '../../config/training-backends';
import {
  formatCount,
  formatCounted,
  formatDecimal,
  formatUsd,
  formatDuration,
  formatList,
  NO_VALUE,
  formatPercent,
  formatScientific,
  formatShortCount,
  formatSigned,
  formatTime,
} from '../../contract/figures';
import type { ReportData } from '../gather/run-report';
import { mainVariant } from '../gather/variant-kind';
import { info, warning, type Figure, type ReportPage } from './blocks';
import { toneOfChange } from './change-text';
import { comparisonSection } from './sections/comparison-section';
import { dataSection } from './sections/data-section';
import { examplesSection } from './sections/examples-section';
import { frontierSection } from './sections/frontier-section';
import { healthSection } from './sections/health-section';
import { heldOutSection } from './sections/held-out-section';
import { judgingSection } from './sections/judging-section';
import { provenanceSection } from './sections/provenance-section';
import { qualitySection } from './sections/quality-section';
import { replaySection } from './sections/replay-section';
import { scoresSection } from './sections/scores-section';
import { mixtureSection, trainingSection } from './sections/training-sections';
import { workSection } from './sections/work-section';

/** The report as blocks, before it becomes HTML or Markdown. */
export function composePage(data: ReportData): ReportPage {
  return {
    title: data.runId,
    subtitle: subtitle(data),
    state: data.finished ? { text: 'Finished', good: true } : { text: 'Not finished', good: false },
    figures: figures(data),
    notes: [
      ...(data.finished
        ? []
        : [
            info(
              `This run is not finished. Still missing: ${formatList(data.missing.slice(0, 12))}${data.missing.length > 12 ? ` and ${data.missing.length - 12} more` : ''}.`,
            ),
          ]),
      ...data.warnings.map((each) => warning(each)),
    ],
    sections: [
      ...frontierSection(data.frontier),
      ...[comparisonSection(data.variants, data.spec.mix.newShare)].filter((section) => section !== undefined),
      ...heldOutSection(data.heldOut),
      scoresSection(
        data.evaluation,
        mainVariant(data.variants, ({ kind }) => kind),
      ),
      replaySection(data),
      ...healthSection(data.synthesis.health),
      ...qualitySection(data),
      judgingSection(data),
      examplesSection(data),
      mixtureSection(data.mixture, data.spec),
      dataSection(data.trainingData, data.synthesis.quality),
      trainingSection(data.training),
      workSection(data),
      provenanceSection(data),
    ],
    footer: `Run ${data.runId}, last started ${formatTime(data.startedAt)} UTC; report made ${formatTime(data.generatedAt)} UTC by Rehearse.`,
  };
}

function subtitle({ spec, synthesis, training }: ReportData): string {
  const { respond, judge } = spec.synthesis;
  const trained = training === null ? 'to be trained' : `trained for ${formatCounted(training.steps, 'step')}`;
  return (
    `${formatCounted(synthesis.instructions.asked, 'instruction')} drawn from ${spec.target.model}, ${formatCounted(respond.generators.length, 'generator')} × ${formatCounted(respond.samples, 'answer')}, ` +
    `${formatCounted(judge.judges.length, 'judge')}; new data mixed in at ${formatPercent(spec.mix.newShare, 0)}; ${trained} ${trainingTraits(spec).readsWeights ? `at a learning rate of ${formatScientific(spec.train.learningRate)}` : 'by its provider'}.` +
    (spec.description === undefined ? '' : ` ${spec.description}`)
  );
}

function figures({ evaluation, variants, synthesis, mixture, training, usage, activeMs }: ReportData): Figure[] {
  const { before, after, difference } = evaluation.average;
  const { asked, kept, lostAtExtraction, dropped, lostAtSelection, pending } = synthesis.instructions;
  const sum = (value: (row: (typeof usage)[number]) => number): number => usage.reduce((total, row) => total + value(row), 0);
  const priced = usage.filter(({ usd }) => usd !== null);
  const curve = training?.curve ?? [];
  const few = evaluation.tasks.some(({ tooFew }) => tooFew);
  const change = mainVariant(variants, ({ kind }) => kind)?.averageChange ?? null;
  const tone = few ? undefined : toneOfChange(change, 'higher');
  return [
    {
      label: 'Average score',
      value: before === null && after === null ? NO_VALUE : `${formatDecimal(before, 1)} → ${formatDecimal(after, 1)}`,
      note:
        difference === null
          ? before === null
            ? 'not evaluated yet'
            : 'not evaluated after training yet'
          : `${formatSigned(difference)} points${few ? '; too few documents to measure' : change === null ? ' after training' : ` after training: ${change.verdict}`}`,
      ...(tone === undefined ? {} : { tone }),
    },
    {
      label: 'Replay set',
      value: `${formatCount(kept)} of ${formatCount(asked)}`,
      note:
        pending > 0
          ? `${formatCount(pending)} not settled yet`
          : `${dropped === 0 ? '' : `${formatCount(dropped)} dropped by filters, `}${formatCount(lostAtExtraction + lostAtSelection)} lost, each with its reason`,
    },
    {
      label: 'New data',
      value: mixture === null ? NO_VALUE : formatPercent(mixture.shareByCount),
      note:
        mixture === null
          ? 'not mixed yet'
          : `${formatCount(mixture.new.examples)} of ${formatCount(mixture.new.examples + mixture.replay.examples)} examples; ${formatPercent(mixture.shareByTokens)} of tokens`,
    },
    {
      label: 'Training loss',
      value: curve.length === 0 ? NO_VALUE : `${formatDecimal(curve[0]?.loss)} → ${formatDecimal(curve.at(-1)?.loss)}`,
      note:
        training === null
          ? 'not trained yet'
          : `${formatCounted(training.steps, 'step')}, ${training.trainedTokens === null ? 'an unknown number of' : formatShortCount(training.trainedTokens)} trained tokens`,
    },
    {
      label: 'Model calls',
      value: formatShortCount(sum(({ calls }) => calls)),
      note: `${formatShortCount(sum(({ promptTokens, completionTokens }) => promptTokens + completionTokens))} tokens${priced.length === 0 ? '' : `; ${formatUsd(sum(({ usd }) => usd ?? 0))}`}`,
    },
    {
      label: 'Time at work',
      value: formatDuration(activeMs),
      note: `${formatDuration(sum(({ modelMs }) => modelMs))} of model time, side by side`,
    },
  ];
}
