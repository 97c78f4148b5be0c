import { stringify } from 'yaml';
import { SCORE_READINGS } from '../config/score-readings';
import type { RunSpec } from '../config/spec';
import type { OwnAnswers } from '../config/variants';
import { formatCount, formatDecimal } from '../contract/figures';
import { canonicalJson } from '../method/canonical-json';
import { JUDGE_PROMPT } from '../method/judge-prompt';
import { code, modelTerms } from './card-parts';
import type { DatasetShape } from './dataset-shapes';

export interface DatasetCard {
  readonly runId: string;
  readonly spec: RunSpec;
  /** What the rows are: the replay set, or its mixture with the new data. */
  readonly stage: 'replay' | 'mixture';
  readonly variant: string;
  /** Where the rows are the target's own answers to the prompts of a data set. */
  readonly own?: OwnAnswers;
  readonly shape: DatasetShape;
  readonly rows: number;
  /** Rows that the shape cannot hold. */
  readonly leftOut: number;
  /** Rows whose last answer was cut at a token limit. */
  readonly cut: number;
  /** Rows by `model` (replay) or by `source` (mixture). */
  readonly counts: ReadonlyMap<string, number>;
  readonly meanScore: number | null;
  /** Key of the stage that made the rows. */
  readonly key: string;
}

const SIZES: readonly (readonly [number, string])[] = [
  [1e3, 'n<1K'],
  [1e4, '1K<n<10K'],
  [1e5, '10K<n<100K'],
  [1e6, '100K<n<1M'],
  [1e7, '1M<n<10M'],
];

/**
 * The README.md of a data set on the Hugging Face hub: how it was made, by whom, under which terms, and how to make it again.
 * Texts of the spec are quoted, none of the models is.
 */
export function datasetCard(card: DatasetCard): string {
  const { runId, spec, stage, variant, shape, rows, leftOut, cut, counts, meanScore, key, own } = card;
  const frontMatter = stringify({
    pretty_name: `${runId} ${stage}`,
    license: 'other',
    task_categories: ['text-generation'],
    language: [],
    size_categories: [SIZES.find(([below]) => rows < below)?.[1] ?? 'n>10M'],
    tags: ['synthetic', 'experience-replay', 'rehearse'],
    configs: [{ config_name: 'default', data_files: [{ split: 'train', path: 'data/*.parquet' }] }],
  });
  const what = stage === 'replay' ? 'Replay set' : 'Mixture of a replay set and new data';
  return [
    `---\n${frontMatter}---\n`,
    `# ${what}: ${runId}${variant === 'method' ? '' : ` (${variant})`}\n`,
    `${formatCount(rows)} conversations in the format \`${shape}\`, made by Rehearse for fine-tuning ${code(spec.models[spec.target.model]?.model ?? spec.target.model)} without making it forget.` +
      `${leftOut === 0 ? '' : ` ${formatCount(leftOut)} with more than one turn are left out, since this format cannot hold them.`}\n`,
    '## How it was made\n',
    ...steps(card),
    ...(stage === 'mixture'
      ? [`${own?.pick === 'first' ? 3 : 5}. **Mixture.** New data is ${formatDecimal(spec.mix.newShare * 100, 1)} % of the whole.`]
      : []),
    ...(own === undefined ? ['\nThe method is that of "Better supervised fine-tuning of closed-source large models".\n'] : ['']),
    '## Counts\n',
    `| ${stage === 'replay' ? 'answered by' : 'source'} | conversations |\n| --- | ---: |`,
    ...[...counts].map(([name, count]) => `| ${code(name)} | ${formatCount(count)} |`),
    ...(cut === 0
      ? []
      : [
          `\n${formatCount(cut)} of them end in an answer that was cut at a token limit (column \`cut\`): take no loss on an end-of-turn token after it, or leave them out.`,
        ]),
    ...(meanScore === null ? [] : [`\nMean score of what was kept: ${formatDecimal(meanScore, 3)} of 5.`]),
    ...modelTerms(spec),
    '\n## The judges’ prompt\n',
    `\`\`\`\`text\n${JUDGE_PROMPT}\n\`\`\`\`\n`,
    '## To make it again\n',
    `Run \`${runId}\`, seed ${spec.seed}, output \`${stage}/${key}\`. The spec of its synthesis:\n`,
    `\`\`\`\`json\n${JSON.stringify(JSON.parse(canonicalJson(spec.synthesis)), null, 2)}\n\`\`\`\`\n`,
  ].join('\n');
}

/** How the rows came to be, step by step. */
function steps({ spec, own }: DatasetCard): string[] {
  const { extract, respond, judge, select } = spec.synthesis;
  const judged = [
    `3. **Judgments.** ${judge.judges.length} judges scored every response from 1 to 5 with the prompt below (${SCORE_READINGS[judge.scoring].phrases.card}).`,
    `4. **Selection.** The best mean score was kept for each instruction (policy \`${select.policy}\`; answers cut at the token limit: \`${select.truncated}\`).`,
  ];
  if (own === undefined) {
    return [
      `1. **Instructions.** ${formatCount(extract.instructions)} were drawn from the target model itself, from nothing but the beginning of a user turn (temperature ${extract.sampling.temperature}, top p ${extract.sampling.topP}).`,
      `2. **Responses.** ${respond.generators.length} generators answered each ${respond.samples} times.`,
      ...judged,
    ];
  }
  return [
    `1. **Prompts.** Up to ${formatCount(extract.instructions)} were drawn from ${code(own.prompts.title)} (licence: ${own.licence ?? 'not stated in the spec'}): the first turn of the user, after the system message where there is one.`,
    `2. **Responses.** The target model itself answered each ${own.pick === 'first' ? 'once' : `${respond.samples} times`}; no answer of that set is kept.`,
    ...(own.pick === 'first' ? [] : judged),
  ];
}
