import { stringify } from 'yaml';
import { newDataTitle } from '../../../config/new-data';
import { samplingFor } from '../../../config/sampling';
import { SCORE_READINGS } from '../../../config/score-readings';
import type { Sampling } from '../../../config/spec';
import { trainingTraits } from '../../../config/training-backends';
import { formatBytes, formatCount, formatCounted, formatList, NO_VALUE, formatScientific, formatTime } from '../../../contract/figures';
import { JUDGE_PROMPT } from '../../../method/judge-prompt';
import { resolveTemplate } from '../../../method/templates';
import type { ReportData } from '../../gather/run-report';
import { details, table, text, type Block, type Cell, type Section } from '../blocks';

/** What determined the numbers: models, sampling, seeds, versions, keys and content hashes, and the spec itself. */
export function provenanceSection(data: ReportData): Section {
  const { spec, content, provenance, training, evaluation, synthesis } = data;
  const { respond, judge, extract } = spec.synthesis;
  const settings = ({ temperature, topP, maxTokens }: Sampling): string =>
    `temperature ${temperature}, top-p ${topP}, ${formatCount(maxTokens)} tokens`;
  const versions = Object.entries({ ...training?.versions, ...evaluation.versions });
  const weights = [
    ['official', code(content.weights)],
    ...data.lineage.flatMap(({ variant, weightsSha256 }) => (weightsSha256 === null ? [] : [[`${variant}, SHA-256`, code(weightsSha256)]])),
  ];
  return {
    id: 'provenance',
    title: 'Provenance',
    blocks: [
      text(
        `Every number above follows from this page’s spec, seed ${spec.seed}, and the outputs named below. ` +
          (synthesis.recomputed.checked === 0
            ? ''
            : `Choosing again from the stored judgments gives the stored winner and mean for ${formatCount(synthesis.recomputed.equal)} of ${formatCount(synthesis.recomputed.checked)} instructions.`),
      ),
      table(
        'Models',
        ['Name', 'Model', 'Endpoint', 'Role', 'Answers with', 'Judges with'],
        Object.entries(spec.models).map(([name, model]) => [
          { text: name, tone: 'strong' },
          code(model.model),
          code(model.baseURL),
          formatList([
            ...(spec.target.model === name ? ['target'] : []),
            ...(respond.generators.includes(name) ? ['generator'] : []),
            ...(judge.judges.includes(name) ? ['judge'] : []),
          ]) || 'not used',
          respond.generators.includes(name) ? settings(samplingFor(respond, name)) : NO_VALUE,
          judge.judges.includes(name) ? settings(samplingFor(judge, name)) : NO_VALUE,
        ]),
      ),
      table('Weights', ['', 'Identity'], [...weights, ['checkpoint', code(training?.checkpoint ?? NO_VALUE)]]),
      table(
        'Method',
        ['Setting', 'Value'],
        [
          ['instructions', `${formatCount(extract.instructions)}, ${settings(extract.sampling)}`],
          ['chat format of the target', formatOfTarget(data)],
          ['answers', `${respond.generators.length} generators × ${respond.samples}`],
          ['scores', `${judge.judges.length} judges, read as ${SCORE_READINGS[judge.scoring].phrases.provenance}`],
          [
            'selection',
            spec.synthesis.select.policy === 'complete'
              ? 'only instructions with every score'
              : `scores that exist, at least ${spec.synthesis.select.minJudges} for an answer`,
          ],
          [
            'control tokens in texts',
            `${formatCounted(synthesis.markup.instructions, 'instruction')} and ${formatCounted(synthesis.markup.responses, 'answer')} have some; models were shown copies without`,
          ],
          ['new data', code(newDataTitle(spec.mix))],
          [typeof spec.mix.newData === 'string' ? 'new data, SHA-256' : 'new data, identity', code(content.newData)],
          [
            'training',
            trainingTraits(spec).readsWeights
              ? `learning rate ${formatScientific(spec.train.learningRate)}, ${spec.train.scheduler}`
              : 'by the provider of the model',
          ],
          ['library versions', versions.length === 0 ? NO_VALUE : versions.map(([name, version]) => `${name} ${version}`).join(', ')],
          ['plan', code(data.plan)],
          ['last start', `${formatTime(data.startedAt)} UTC`],
        ],
      ),
      ...replaySets(data),
      details(
        'The prompts',
        text('The judges’ prompt, word for word; the instruction and the answer take the place of the last line.'),
        { kind: 'code', language: 'text', text: JUDGE_PROMPT },
        text('What the target model is sent to write an instruction: the beginning of a user’s turn in its own format, and nothing else.'),
        { kind: 'code', language: 'text', text: preQueryOf(data) },
      ),
      details(
        'Stage keys and content hashes',
        text(
          'A key is the hash of everything that determines an output. The same key is never computed twice; another key is never served.',
        ),
        table(
          'Outputs',
          ['Stage', 'Model', 'Key', '>Parts', '>Rows', '>Size', '>From earlier starts', 'Content'],
          provenance.map((group) => [
            group.stage,
            [group.model, ...(group.generator === undefined ? [] : [`on ${group.generator}`])].join(' ') || NO_VALUE,
            code(group.key),
            `${group.parts.done} of ${group.parts.planned}`,
            formatCount(group.rows),
            group.parts.done === 0 ? NO_VALUE : formatBytes(group.bytes),
            formatCount(group.reused),
            code(group.sha256?.slice(0, 16) ?? NO_VALUE),
          ]),
        ),
      ),
      details('The run spec, defaults filled in', {
        kind: 'code',
        language: 'yaml',
        text: stringify(spec, { aliasDuplicateObjects: false }),
      }),
    ],
  };
}

/** Replay sets of the other variants: where they are from, under which terms, and what was left out. */
function replaySets({ lineage }: ReportData): Block[] {
  const sets = lineage.flatMap(({ variant, replaySet }) => (replaySet === null ? [] : [{ variant, ...replaySet }]));
  if (sets.length === 0) return [];
  return [
    table(
      'Replay sets of the other variants',
      ['Variant', 'Set', 'Revision', 'Licence', '>Rows', '>Rows read', '>No conversation'],
      sets.map(({ variant, title, revision, licence, rows, read, malformed }) => [
        variant,
        title,
        code(revision ?? NO_VALUE),
        licence ?? NO_VALUE,
        formatCount(rows),
        formatCount(read),
        formatCount(malformed),
      ]),
    ),
  ];
}

/** Where the target's format is from. */
function formatOfTarget({ spec, content }: ReportData): Cell {
  const template = spec.models[spec.target.model]?.template;
  if (template !== undefined) return typeof template === 'string' ? `${template}, named in the spec` : 'written out in the spec';
  const read = content.templates?.[spec.target.model];
  if (read === undefined) return NO_VALUE;
  const { source, date } = read;
  const revision = source.revision === undefined ? '' : ` at ${source.revision}`;
  return `${source.file} of ${source.place}${revision}${date === undefined ? '' : `, told that it is ${date}`}`;
}

function preQueryOf({ spec, content }: ReportData): string {
  const template = spec.models[spec.target.model]?.template;
  return template === undefined ? (content.templates?.[spec.target.model]?.preQuery ?? NO_VALUE) : resolveTemplate(template).preQuery;
}

function code(value: string): Cell {
  return { text: value, tone: 'code' };
}
