import prettyBytes from 'pretty-bytes';
import { modelsInUse } from '../config/models-in-use';
import type { RunSpec } from '../config/spec';
import { TUNING_NAMES } from '../config/training-method';
import { formatCount, formatDuration, formatShortCount } from '../contract/figures';
import { DEFAULT_ASSUMPTIONS, type AssumptionName } from '../planning/cost-assumptions';
import type { CostPlan, EndpointCost } from '../planning/cost-plan';
import { templateLine, type TemplateNote } from './template-notes';
import { formatTable } from './terminal/output';
import { dollars, waysTexts } from './ways-text';

/**
 * A cost plan for people: what every model does, what that comes to, and what was assumed.
 * @param shown the assumptions to be shown; all, without it
 */
export function planText(
  spec: RunSpec,
  plan: CostPlan,
  formats: readonly TemplateNote[] = [],
  shown: readonly AssumptionName[] = ALL,
): string {
  const hidden = ALL.length - shown.length;
  return [
    `${spec.description ?? 'A Rehearse run'}\n`,
    'Model calls',
    indent(stageTable(plan)),
    '',
    'What it comes to',
    indent(summaryTable(spec, plan)),
    '',
    ...waysTexts(plan).flatMap(({ title, table }) => [title, indent(table), '']),
    ...(formats.length === 0 ? [] : ['Chat formats', indent(wrapTable(formats.map((note) => [note.model, templateLine(note)]))), '']),
    `Assumed (another value: --assume name=value${hidden === 0 ? '' : `; ${hidden} more, on which little hangs: --assumptions`})`,
    indent(assumptionTable(plan, shown)),
    '',
  ].join('\n');
}

const ALL = Object.keys(DEFAULT_ASSUMPTIONS) as AssumptionName[];

function stageTable(plan: CostPlan): string {
  const right = { align: 'right' } as const;
  const rows = plan.stages.map(({ stage, model, own, calls, requests, promptTokens, completionTokens, usd, hours }) => [
    stage,
    own === undefined ? model : `${model}, for ${own}`,
    formatCount(calls),
    formatCount(requests),
    formatShortCount(promptTokens),
    formatShortCount(completionTokens),
    usd === null ? 'no price' : dollars(usd),
    duration(hours),
  ]);
  const total = [
    'total',
    '',
    formatCount(plan.calls),
    formatCount(plan.requests),
    formatShortCount(plan.promptTokens),
    formatShortCount(plan.completionTokens),
    plan.stages.every(({ usd }) => usd === null) ? 'no price' : dollars(plan.usd.expected),
    duration(plan.synthesisHours),
  ];
  const columns = [
    { name: 'stage' },
    { name: 'model' },
    { name: 'calls', ...right },
    { name: 'requests', ...right },
    { name: 'tokens in', ...right },
    { name: 'tokens out', ...right },
    { name: 'dollars', ...right },
    { name: 'time', ...right },
  ];
  return formatTable(columns, [...rows, total]);
}

function summaryTable(spec: RunSpec, plan: CostPlan): string {
  const { mixture, training, evaluation, diskBytes } = plan;
  const share = mixture.total === 0 ? 0 : (100 * mixture.new) / mixture.total;
  const rows = [
    [
      'time',
      `synthesis ${duration(plan.synthesisHours)}: shards overlap, so the busiest endpoint (${busiest(plan).names.join(', ')}) decides`,
    ],
    ['dollars', dollarText(plan)],
    ...(spec.budget === undefined ? [] : [['budget', budgetText(spec.budget, plan)]]),
    ...probeRow(spec),
    ...termsRow(spec),
    ['serving', serving(plan)],
    ...(plan.filter === null
      ? []
      : [
          [
            'filters',
            `assumed to keep ${formatCount(plan.filter.answered)} of ${formatCount(plan.filter.extracted)} instructions; only those are answered and judged`,
          ],
        ]),
    [
      'mixture',
      spec.until === 'replay'
        ? END.replay
        : `${formatCount(mixture.replay)} replay + ${formatCount(mixture.new)} new = ${formatCount(mixture.total)} examples, ${share.toFixed(1)} % new${mixture.newKnown ? '' : ' (the new data is not there yet: assumed to be enough)'}`,
    ],
    ['training', trainingText(spec, plan)],
    ...plan.ownTrainings.map((own) => [own.name, ownTrainingText(own, plan)]),
    ...(plan.interpolated.length === 0
      ? []
      : [['interpolated', `${plan.interpolated.join(', ')}: no training, a pass over the weights on a gpu worker each`]]),
    [
      'evaluation',
      spec.until !== undefined
        ? END[spec.until]
        : `${formatCount(evaluation.documents)} documents of ${spec.evaluate.tasks.length} ${spec.evaluate.tasks.length === 1 ? 'task' : 'tasks'}, all ${evaluation.models} rows of the table together; ${evaluation.device === 'provider' ? atProvider(evaluation.usd) : deviceHours(evaluation.device, evaluation.hours)}`,
    ],
    ...(plan.heldOut === null ? [] : [['held-out', heldOutText(plan.heldOut)]]),
    [
      'disk',
      `${prettyBytes(diskBytes.texts)} of texts, ${training.trainings === 0 ? 'no checkpoints' : training.device === 'provider' ? 'no checkpoints here: the provider keeps them' : training.parameters === null ? 'checkpoints of unknown size' : `${prettyBytes(diskBytes.checkpoints)} of checkpoints`}`,
    ],
  ];
  return wrapTable(rows);
}

/** Of a run that ends before it trains. */
const END = { replay: 'none: the run ends with the replay set', mixture: 'none: the run ends with the mixtures' } as const;

function trainingText(spec: RunSpec, plan: CostPlan): string {
  const { training } = plan;
  const { trainings, device, hours, usd } = training;
  if (spec.until !== undefined) return END[spec.until];
  if (trainings === 0) {
    return `none: no row of the table is trained${plan.ownTrainings.length === 0 ? '' : ' as the spec says under `train`'}`;
  }
  const each = trainings === 1 ? '' : ' each';
  const size = `${trainings === 1 ? '' : `${formatCount(trainings)} trainings of `}${formatCount(training.steps)} steps, ${formatCount(training.examples)} examples, ${formatShortCount(training.tokens)} tokens`;
  if (device === 'provider') {
    return `${size} with every epoch; ${atProvider(usd)}${each}${usd === null || each === '' ? '' : `, ${dollars(trainings * usd)} in all`}`;
  }
  const all = hours === null || each === '' ? '' : `, ${deviceHours(device, trainings * hours)} in all`;
  return `${size}; ${deviceHours(device, hours)}${hours === null ? '' : each}${spec.train.accelerate === undefined ? leastDevices(training.devices, device, plan) : chosenDevices(training)}${all}`;
}

function ownTrainingText(
  { tuning, steps, examples, tokens, device, hours, devices }: CostPlan['ownTrainings'][number],
  plan: CostPlan,
): string {
  const where = device === 'provider' ? '' : `; ${deviceHours(device, hours)}${leastDevices(devices, device, plan)}`;
  return `${TUNING_NAMES[tuning]}, ${formatCount(steps)} steps, ${formatCount(examples)} examples, ${formatShortCount(tokens)} tokens${where}`;
}

function dollarText({ usd, stages }: CostPlan): string {
  if (stages.every((stage) => stage.usd === null)) return 'unknown: no model of the spec has a price';
  const unpriced = usd.unpriced.length === 0 ? '' : `; without a price: ${usd.unpriced.join(', ')}`;
  return `${dollars(usd.expected)}; at most ${dollars(usd.atMost)} when every reply runs to its maxTokens${unpriced}`;
}

/** What is stated of the terms of those whose answers become training data; docs/endpoints.md, Terms. */
function termsRow({ models, synthesis }: RunSpec): string[][] {
  const stated = synthesis.respond.generators.flatMap((name) => {
    const { licence } = models[name] ?? {};
    return licence === undefined ? [] : [`${name}: ${licence}`];
  });
  return stated.length === 0 ? [] : [['terms', `of training with what is written: ${stated.join('; ')}`]];
}

/** Before the first call: what the run asks of each endpoint, and what that may cost. */
function probeRow(spec: RunSpec): [string, string][] {
  const asked = modelsInUse(spec).filter((name) => spec.models[name]?.serve === undefined);
  return asked.length === 0
    ? []
    : [
        [
          'probe',
          `first ${asked.join(', ')} ${asked.length === 1 ? 'is' : 'are'} asked what a run may send: at most five requests of a word each, which count in the budget`,
        ],
      ];
}

/** The budget against the estimate: the larger of the two shares decides. */
function budgetText({ usd, tokens }: NonNullable<RunSpec['budget']>, plan: CostPlan): string {
  const share = Math.max(
    usd === undefined ? 0 : (plan.usd.expected + plan.training.trainings * (plan.training.usd ?? 0)) / usd, // alike ones share a job: at most these
    tokens === undefined ? 0 : (plan.promptTokens + plan.completionTokens) / tokens,
  );
  const limits = [usd === undefined ? '' : dollars(usd), tokens === undefined ? '' : `${formatShortCount(tokens)} tokens`]
    .filter((limit) => limit !== '')
    .join(' and ');
  const percent = `${(100 * share).toLocaleString('en-US', { maximumSignificantDigits: 3 })} %`;
  return share <= 1
    ? `${limits}; the estimate is ${percent} of it`
    : `${limits}; too little: the estimate is ${percent} of it, so the run would pause before its end`;
}

function serving(plan: CostPlan): string {
  const onGpus = plan.endpoints.filter(({ gpus }) => gpus !== null);
  if (onGpus.length === 0) return 'no GPU hours: models are priced, on this CPU, or of unknown size';
  const parts = onGpus.map(({ names, gpus, hours }) => `${names.join(', ')} ${gpus} ${gpus === 1 ? 'GPU' : 'GPUs'} x ${duration(hours)}`);
  return `${plan.servingGpuHours.toFixed(1)} GPU hours: ${parts.join('; ')}`;
}

function busiest(plan: CostPlan): EndpointCost {
  return plan.endpoints.reduce((most, endpoint) => (endpoint.hours > most.hours ? endpoint : most));
}

function deviceHours(device: 'cpu' | 'gpu', hours: number | null): string {
  if (hours === null) return `${device === 'cpu' ? 'time' : 'GPU hours'} unknown, since the model's name does not tell its size`;
  return device === 'cpu' ? `${duration(hours)} on this CPU` : `${hours.toFixed(1)} GPU hours`;
}

function heldOutText({ conversations, tokens, measurements, device, hours }: NonNullable<CostPlan['heldOut']>): string {
  const sets = [
    `${formatCount(conversations.replay)} of the replay set`,
    `${formatCount(conversations.own)} own answers`,
    `${formatCount(conversations.new)} of the new data`,
  ];
  const { models, whileTraining } = measurements;
  const times = [
    `of ${formatCount(models)} ${models === 1 ? 'model' : 'models'}`,
    ...(whileTraining === 0 ? [] : [`${formatCount(whileTraining)} times while training`]),
  ].join(' and ');
  return `loss on ${sets.join(', ')}: ${formatShortCount(tokens)} tokens, taken ${times}, ${formatShortCount(tokens * (models + whileTraining))} in all, on the gpu queue; no model call; ${deviceHours(device, hours)}`;
}

function atProvider(usd: number | null): string {
  return usd === null ? 'dollars unknown at the provider: its price is not in the spec' : `${dollars(usd)} at the provider`;
}

function chosenDevices({ devices, device }: CostPlan['training']): string {
  return devices === null || device === 'cpu' ? '' : ` on ${devices} ${devices === 1 ? 'GPU' : 'GPUs'}`;
}

function leastDevices(count: number | null, device: 'cpu' | 'gpu', plan: CostPlan): string {
  return count === null || device === 'cpu'
    ? ''
    : ` on at least ${count} ${count === 1 ? 'GPU' : 'GPUs'} of ${plan.assumptions.gpuMemoryGB} GB`;
}

function assumptionTable(plan: CostPlan, shown: readonly AssumptionName[]): string {
  const rows = shown.map((name) => {
    const { value, unit, why } = DEFAULT_ASSUMPTIONS[name];
    const used = plan.assumptions[name];
    return [name, formatNumber(used), unit, used === value ? why : `set by you (default ${formatNumber(value)})`];
  });
  return formatTable([{ name: 'name' }, { name: 'value', align: 'right' }, { name: 'unit' }, { name: 'why' }], rows);
}

function wrapTable(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([name = '']) => name.length));
  return rows.map(([name = '', text = '']) => `${name.padEnd(width)}  ${text}`).join('\n');
}

function duration(hours: number): string {
  return formatDuration(hours * 3_600_000);
}

function formatNumber(value: number): string {
  return value.toLocaleString('en-US');
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
    .join('\n');
}
