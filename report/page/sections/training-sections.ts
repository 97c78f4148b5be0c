import type { RunSpec } from '../../../config/spec';
import { trainingTraits } from '../../../config/training-backends';
import {
  formatCount,
  formatCounted,
  formatDecimal,
  formatDuration,
  NO_VALUE,
  formatPercent,
  formatScientific,
  formatUsd,
} from '../../../contract/figures';
import type { MixtureReport, MixtureSide } from '../../gather/mixture-report';
import type { ProviderTraining, TrainingReport, WorkerTraining } from '../../gather/training-report';
import { columns, info, table, text, type Block, type Section } from '../blocks';
import { barChart } from '../charts/bar-chart';
import { lineChart } from '../charts/line-chart';

/** What was mixed, by count and by tokens. */
export function mixtureSection(mixture: MixtureReport | null, spec: Pick<RunSpec, 'train'>): Section {
  return {
    id: 'mixture',
    title: 'The mixture',
    blocks: mixture === null ? [info('Nothing has been mixed yet.')] : [...mixed(mixture), ...cutAnswers(mixture, spec)],
  };
}

function mixed(mixture: MixtureReport): Block[] {
  const { replay, new: fresh, requestedShare, shareByCount, shareByTokens, shareOfTrainedTokens } = mixture;
  const total = replay.examples + fresh.examples;
  const rows = [
    ['examples', shareByCount],
    ['tokens', shareByTokens],
    ['trained tokens', shareOfTrainedTokens],
  ] as const;
  const row = (name: string, side: MixtureSide, share: number, trained: number): string[] => [
    name,
    formatCount(side.examples),
    formatPercent(share),
    formatCount(side.tokens),
    formatPercent(side === fresh ? shareByTokens : 1 - shareByTokens),
    formatPercent(trained),
    formatCount(side.leftOut),
  ];
  return [
    text(
      `${formatCounted(fresh.examples, 'new example')} among ${formatCount(total)}: ${formatPercent(shareByCount)}, where ${formatPercent(requestedShare)} was asked for and ` +
        `${Math.round(requestedShare * total) === fresh.examples ? 'whole examples allow nothing nearer' : 'this is not the nearest whole number'}.`,
    ),
    ...(mixture.excluded === 0
      ? []
      : [
          text(
            `${formatCounted(mixture.excluded, 'row')} that mix.exclude names ${mixture.excluded === 1 ? 'was' : 'were'} left out; see the losses for why.`,
          ),
        ]),
    columns({
      kind: 'chart',
      title: 'New data’s share',
      alt: rows.map(([name, share]) => `${formatPercent(share)} of the ${name}`).join('; '),
      legend: [
        { name: 'new data', mark: 'c3' },
        { name: 'replay set', mark: 'c1' },
      ],
      spec: barChart(
        rows.flatMap(([name, share]) => [
          { row: name, part: 'new', value: share },
          { row: name, part: 'replay', value: 1 - share, label: formatPercent(share) },
        ]),
        { new: 'c3', replay: 'c1' },
        null,
      ),
      numbers: null,
    }),
    table(
      'Both sides of the mixture',
      ['', '>Examples', '>Share', '>Tokens, estimated', '>Share of tokens', '>Share of trained tokens', '>Left out'],
      [row('replay set', replay, 1 - shareByCount, 1 - shareOfTrainedTokens), row('new data', fresh, shareByCount, shareOfTrainedTokens)],
    ),
    text(
      mixture.tokensFrom === 'trainer'
        ? 'Tokens of a side are an estimate: the trainer’s count of the whole, split by characters. Trained tokens are those of the assistant’s messages, on which the loss is taken.'
        : 'Tokens are an estimate of four characters each, until the trainer has counted them. Trained tokens are those of the assistant’s messages, on which the loss is taken.',
    ),
  ];
}

function cutAnswers({ cut }: MixtureReport, spec: Pick<RunSpec, 'train'>): Block[] {
  if (cut === 0) return [];
  const { cutAnswers: what } = trainingTraits(spec).phrases;
  return [
    text(
      `${formatCounted(cut, 'example')} of the mixture ${cut === 1 ? 'ends' : 'end'} in an answer that was cut at the token limit. ${what}`,
    ),
  ];
}

/** How the training went. */
export function trainingSection(training: TrainingReport | null): Section {
  return {
    id: 'training',
    title: 'Training',
    blocks:
      training === null
        ? [info('Nothing has been trained yet.')]
        : training.by === 'provider'
          ? trainedByProvider(training)
          : trainedByWorkers(training),
  };
}

const TUNING = {
  full: 'Full supervised fine-tuning',
  lora: 'Supervised fine-tuning of low-rank adapters (LoRA), merged',
  qlora: 'Supervised fine-tuning of low-rank adapters on 4-bit weights (QLoRA), merged',
  osf: 'Orthogonal subspace fine-tuning (OSF), merged',
  sdft: 'Self-distillation (SDFT)',
  distill: 'Supervised fine-tuning on the new data, then distillation from the official model',
} as const;

/** Of methods that learn from what they write themselves. */
const LOSS_ON: Readonly<Partial<Record<WorkerTraining['tuning'], string>>> = {
  sdft: 'loss on answers that it samples itself',
  distill: 'loss on the answers of the new data, then on those that it samples itself',
};

function trainedByWorkers(training: WorkerTraining): Block[] {
  return [
    text(
      `${TUNING[training.tuning]}, ${LOSS_ON[training.tuning] ?? 'loss on the assistant’s tokens only'}: ${formatCounted(training.steps, 'optimizer step')} of ${formatCount(training.batchSize)} examples at a peak learning rate of ` +
        `${formatScientific(training.learningRate)}, in ${formatDuration(training.seconds * 1000)}.`,
    ),
    ...lossChart(training),
    table(
      'What was trained on',
      ['>Examples', '>Tokens', '>Trained tokens', '>Cut to the maximum length', '>Dropped', '>Steps', '>Tokens a second', 'Compute type'],
      [
        [
          formatCount(training.examples),
          formatCount(training.tokens),
          formatCount(training.trainedTokens),
          `${formatCount(training.truncated)} (over ${formatCount(training.maxLength)})`,
          formatCount(training.dropped),
          formatCount(training.steps),
          training.seconds > 0 ? formatDecimal(training.tokens / training.seconds, 0) : NO_VALUE,
          training.dtype,
        ],
      ],
    ),
    ...leftOut(training),
  ];
}

/** What the trainer did not take as it was given. */
function leftOut({ unrenderable, controlTexts, thoughts }: WorkerTraining): Block[] {
  const reasons = Object.entries(unrenderable);
  const counted = reasons.reduce((sum, [, count]) => sum + count, 0);
  const said = [
    counted === 0
      ? ''
      : `${formatCounted(counted, 'example')} left out, since the model’s chat template does not take them: ${reasons.map(([reason, count]) => `${reason} (${formatCount(count)})`).join('; ')}.`,
    controlTexts === 0
      ? ''
      : `${formatCounted(controlTexts, 'example')} with a control token written in the words of a message, which was trained as text.`,
    thoughts.kept === 0 ? '' : `${formatCounted(thoughts.kept, 'answer')} trained with the thoughts before it.`,
    thoughts.leftOut === 0 ? '' : `${formatCounted(thoughts.leftOut, 'answer')} trained without the thoughts that it had.`,
  ].filter((sentence) => sentence !== '');
  return said.length === 0 ? [] : [info(said.join(' '))];
}

function trainedByProvider(training: ProviderTraining): Block[] {
  const {
    hyperparameters: { epochs, batchSize, learningRateMultiplier },
    checkpoints,
    usd,
  } = training;
  return [
    text(
      `Fine-tuned by its provider, in the job ${training.job}: ${formatCounted(training.steps, 'step')} in ${formatDuration(training.seconds * 1000)}, its queue included. ` +
        'What it does to the weights it does not say: the loss is the provider’s own.',
    ),
    ...lossChart(training),
    table(
      'What was trained on',
      ['>Examples', '>Epochs', '>Batch', '>Learning-rate multiplier', '>Trained tokens', '>Steps', '>Dollars'],
      [
        [
          formatCount(training.examples),
          formatDecimal(epochs, 0),
          formatDecimal(batchSize, 0),
          formatDecimal(learningRateMultiplier, 2),
          formatCount(training.trainedTokens),
          formatCount(training.steps),
          formatUsd(usd),
        ],
      ],
    ),
    table(
      'Models',
      ['', 'Id', '>Step', '>Loss', '>Validation loss'],
      [
        ['before', { text: training.baseModel, tone: 'code' }, NO_VALUE, NO_VALUE, NO_VALUE],
        ...checkpoints.map(({ step, model, loss, validationLoss }) => [
          'checkpoint',
          { text: model, tone: 'code' as const },
          formatCount(step),
          formatDecimal(loss, 4),
          formatDecimal(validationLoss, 4),
        ]),
        ['trained', { text: training.checkpoint, tone: 'code' }, formatCount(training.steps), NO_VALUE, NO_VALUE],
      ],
    ),
  ];
}

function lossChart({ curve }: TrainingReport): Block[] {
  const first = curve[0];
  const last = curve.at(-1);
  if (first === undefined || last === undefined) return [];
  return [
    columns({
      kind: 'chart',
      title: 'Training loss',
      alt: `The loss goes from ${formatDecimal(first.loss, 3)} at step ${first.step} to ${formatDecimal(last.loss, 3)} at step ${last.step}.`,
      spec: lineChart(
        curve.map(({ step, loss }) => ({ x: step, y: loss })),
        { x: 'step', y: 'loss' },
      ),
      numbers: table(
        'Training, step by step',
        ['>Step', '>Loss', '>Learning rate', '>Gradient norm'],
        thinned(curve).map(({ step, loss, learningRate, gradNorm }) => [
          formatCount(step),
          formatDecimal(loss, 4),
          learningRate === null ? NO_VALUE : learningRate.toExponential(2),
          formatDecimal(gradNorm, 3),
        ]),
      ),
    }),
  ];
}

const ROWS_SHOWN = 50;

/** At most fifty rows of a long curve, evenly spread, the last among them; report.json holds all. */
function thinned<T>(rows: readonly T[]): readonly T[] {
  if (rows.length <= ROWS_SHOWN) return rows;
  return Array.from({ length: ROWS_SHOWN }, (_, index) => rows[Math.round((index * (rows.length - 1)) / (ROWS_SHOWN - 1))]!);
}
