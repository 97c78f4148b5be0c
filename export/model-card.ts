import { stringify } from 'yaml';
import { weightsOf } from '../config/fine-tuning';
import type { RunSpec } from '../config/spec';
import { looksLikeHubId } from '../config/template-places';
import { methodOf, specOfVariant } from '../config/training-method';
import { formatCount, formatDecimal, formatScientific } from '../contract/figures';
import { canonicalJson } from '../method/canonical-json';
import type { MixtureDetail } from '../stages/mix';
import type { EvaluateResult } from '../stages/python-results';
import type { TrainingDetail } from '../stages/train';
import { code, modelTerms } from './card-parts';

export interface ModelCard {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly variant: string;
  /** Its replay set in words. */
  readonly replay: string;
  readonly training: TrainingDetail;
  /** Absent where there is none: weights between two others. */
  readonly mixture: MixtureDetail | undefined;
  /** Evaluations, as far as they are made. */
  readonly before: EvaluateResult | undefined;
  readonly after: EvaluateResult | undefined;
  /** Key of the stage that made the weights. */
  readonly key: string;
}

/** The README.md of a trained model on the Hugging Face hub: from what, on what and how it was trained, and what that did to it. */
export function modelCard({ runId, spec, variant, replay, training, mixture, before, after, key }: ModelCard): string {
  const weights = weightsOf(spec);
  const { train } = specOfVariant(spec, variant);
  const frontMatter = stringify({
    ...(looksLikeHubId(weights) ? { base_model: weights } : {}),
    library_name: 'transformers',
    pipeline_tag: 'text-generation',
    license: 'other',
    tags: ['experience-replay', 'rehearse'],
  });
  const sha256 = training.kind === 'fine-tuning' ? undefined : training.weightsSha256;
  const how =
    training.kind === 'interpolate'
      ? [
          `Weights between the official model and a trained one, of which ${formatDecimal(training.weight * 100, 0)} % is taken. No training of its own.`,
        ]
      : [
          '| setting | value |\n| --- | --- |',
          `| method | ${code(methodOf(train))} |`,
          `| learning rate | ${formatScientific(train.learningRate)}, ${code(train.scheduler)} |`,
          `| steps | ${formatCount(training.steps)} |`,
          ...(training.kind === 'sft'
            ? [`| tokens | ${formatCount(training.tokens)}, ${formatCount(training.trainedTokens)} with a loss |`]
            : []),
          `| last loss | ${training.lossCurve.at(-1)?.loss.toFixed(3) ?? 'unknown'} |`,
        ];
  return [
    `---\n${frontMatter}---\n`,
    `# ${runId}${variant === 'method' ? '' : ` (${variant})`}\n`,
    `${code(weights)}, fine-tuned by Rehearse on new data beside a replay set, so that it forgets little of what it could do before.\n`,
    '## What it was trained on\n',
    `Replay set: ${replay}.`,
    ...(mixture === undefined
      ? []
      : [
          `${formatCount(mixture.replay)} examples of replay and ${formatCount(mixture.new)} of new data (${formatDecimal(mixture.share * 100, 1)} %).`,
        ]),
    '\n## How\n',
    ...how,
    '\n## What it can do\n',
    ...scores(before, after),
    ...modelTerms(spec),
    '\n## To make it again\n',
    `Run \`${runId}\`, row \`${variant}\`, seed ${spec.seed}, output \`train/${key}\`${sha256 === undefined ? '' : `, SHA-256 of the weights \`${sha256}\``}. Settings of its training:\n`,
    `\`\`\`\`json\n${JSON.stringify(JSON.parse(canonicalJson(train)), null, 2)}\n\`\`\`\`\n`,
  ].join('\n');
}

function scores(before: EvaluateResult | undefined, after: EvaluateResult | undefined): string[] {
  if (after === undefined) return ['It was not evaluated.'];
  const rows = after.tasks.map(({ task, documents, primary }) => {
    const was = before?.tasks.find((each) => each.task === task);
    return `| ${task} | ${primary.name} | ${formatCount(documents)} | ${was === undefined ? '–' : was.primary.value.toFixed(3)} | ${primary.value.toFixed(3)} |`;
  });
  return [
    `| task | metric | documents | official model | this model |\n| --- | --- | ---: | ---: | ---: |`,
    ...rows,
    '\nDifferences on few documents may be chance: the report of the run has their intervals.',
  ];
}
