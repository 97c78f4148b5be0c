import { trainingTraits } from '../../config/training-backends';
import type { ReportData } from '../gather/report-data';
import { info, warning, type Block, type Figure, type ReportPage, type Section } from './blocks';
import { count, counted, decimal, dollars, duration, list, NOTHING, percent, scientific, shortCount, signed, time } from './format';
import { comparisonSection } from './sections/comparison-section';
import { dataSection } from './sections/data-section';
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
              `This run is not finished. Still missing: ${list(data.missing.slice(0, 12))}${data.missing.length > 12 ? ` and ${data.missing.length - 12} more` : ''}.`,
            ),
          ]),
      ...data.warnings.map((each) => warning(each)),
    ],
    sections: [
      ...[comparisonSection(data.variants, data.spec.mix.newShare)].filter((section) => section !== undefined),
      ...heldOutSection(data.heldOut),
      scoresSection(data.evaluation),
      replaySection(data),
      ...qualitySection(data),
      judgingSection(data),
      examplesSection(data),
      mixtureSection(data.mixture, data.spec),
      dataSection(data.trainingData, data.synthesis.quality),
      trainingSection(data.training),
      workSection(data),
      provenanceSection(data),
    ],
    footer: `Run ${data.runId}, last started ${time(data.startedAt)}; report made ${time(data.generatedAt)} by Rehearse.`,
  };
}

function subtitle({ spec, synthesis, training }: ReportData): string {
  const { respond, judge } = spec.synthesis;
  const trained = training === null ? 'to be trained' : `trained for ${counted(training.steps, 'step')}`;
  return (
    `${counted(synthesis.instructions.asked, 'instruction')} drawn from ${spec.target.model}, ${counted(respond.generators.length, 'generator')} × ${counted(respond.samples, 'answer')}, ` +
    `${counted(judge.judges.length, 'judge')}; new data mixed in at ${percent(spec.mix.newShare, 0)}; ${trained} ${trainingTraits(spec).readsWeights ? `at a learning rate of ${scientific(spec.train.learningRate)}` : 'by its provider'}.` +
    (spec.description === undefined ? '' : ` ${spec.description}`)
  );
}

function figures({ evaluation, synthesis, mixture, training, usage, activeMs }: ReportData): Figure[] {
  const { before, after, difference } = evaluation.average;
  const { asked, kept, lostAtExtraction, dropped, lostAtSelection, pending } = synthesis.instructions;
  const sum = (value: (row: (typeof usage)[number]) => number): number => usage.reduce((total, row) => total + value(row), 0);
  const priced = usage.filter(({ usd }) => usd !== null);
  const curve = training?.curve ?? [];
  const few = evaluation.tasks.some(({ tooFew }) => tooFew);
  return [
    {
      label: 'Average score',
      value: before === null && after === null ? NOTHING : `${decimal(before, 1)} → ${decimal(after, 1)}`,
      note:
        difference === null
          ? before === null
            ? 'not evaluated yet'
            : 'not evaluated after training yet'
          : `${signed(difference)} points${few ? '; too few documents to measure' : ' after training'}`,
      ...(difference === null || few ? {} : { tone: difference < 0 ? ('bad' as const) : ('good' as const) }),
    },
    {
      label: 'Replay set',
      value: `${count(kept)} of ${count(asked)}`,
      note:
        pending > 0
          ? `${count(pending)} not settled yet`
          : `${dropped === 0 ? '' : `${count(dropped)} dropped by filters, `}${count(lostAtExtraction + lostAtSelection)} lost, each with its reason`,
    },
    {
      label: 'New data',
      value: mixture === null ? NOTHING : percent(mixture.shareByCount),
      note:
        mixture === null
          ? 'not mixed yet'
          : `${count(mixture.new.examples)} of ${count(mixture.new.examples + mixture.replay.examples)} examples; ${percent(mixture.shareByTokens)} of tokens`,
    },
    {
      label: 'Training loss',
      value: curve.length === 0 ? NOTHING : `${decimal(curve[0]?.loss)} → ${decimal(curve.at(-1)?.loss)}`,
      note:
        training === null
          ? 'not trained yet'
          : `${counted(training.steps, 'step')}, ${training.trainedTokens === null ? 'an unknown number of' : shortCount(training.trainedTokens)} trained tokens`,
    },
    {
      label: 'Model calls',
      value: shortCount(sum(({ calls }) => calls)),
      note: `${shortCount(sum(({ promptTokens, completionTokens }) => promptTokens + completionTokens))} tokens${priced.length === 0 ? '' : `; ${dollars(sum(({ usd }) => usd ?? 0))}`}`,
    },
    { label: 'Time at work', value: duration(activeMs), note: `${duration(sum(({ modelMs }) => modelMs))} of model time, side by side` },
  ];
}

function examplesSection({ synthesis, spec }: ReportData): Section {
  const blocks: Block[] =
    synthesis.examples.length === 0
      ? [info(spec.report.examples === 0 ? 'The spec asks for no examples.' : 'There are no instructions yet.')]
      : [
          {
            kind: 'text',
            text: `${counted(synthesis.examples.length, 'instruction')}, drawn by the seed, with every answer and what each judge gave it. The best answer is open; the others unfold. Everything here was written by the models.`,
          },
          ...synthesis.examples.map((example) => ({ kind: 'example', example }) as const),
        ];
  return { id: 'examples', title: 'Examples', blocks };
}
