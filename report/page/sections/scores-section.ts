import {
  formatCount,
  formatCounted,
  formatDecimal,
  formatEstimate,
  formatPercent,
  NO_VALUE,
  formatSigned,
} from '../../../contract/figures';
import type { Change } from '../../gather/change';
import type { VariantReport } from '../../gather/comparison-report';
import type { EvaluationReport, TaskReport, TaskScore } from '../../gather/evaluation-report';
import { columns, info, table, text, warning, type Block, type Cell, type Section } from '../blocks';
import { toneOfChange, verdictText } from '../change-text';
import { dumbbellChart } from '../charts/score-charts';
import { taskName } from '../task-name';

/**
 * What was forgotten: every task before and after, and what became of its documents.
 * @param compared the variant whose scores are those after training
 */
export function scoresSection(evaluation: EvaluationReport, compared: VariantReport | undefined): Section {
  const { tasks, average } = evaluation;
  const changes: Changes = {
    ofTask: (task) => compared?.tasks.find((each) => each.task === task)?.change ?? null,
    ofAverage: compared?.averageChange ?? null,
  };
  const evaluated = average.before !== null || average.after !== null;
  return {
    id: 'scores',
    title: 'Scores before and after',
    blocks: evaluated
      ? [...cutAnswers(tasks), columns(scoreChart(evaluation, changes)), scoreTable(evaluation, changes), ...transitions(tasks, changes)]
      : [info('Nothing has been evaluated yet.')],
  };
}

/** What may be said of a task and of the average; null where documents cannot be paired. */
interface Changes {
  readonly ofTask: (task: string) => Change | null;
  readonly ofAverage: Change | null;
}

/** From this share of cut answers on, a score says more of the limit than of the model. */
const MANY_CUT = 0.05;

/** How many of the answers that the models wrote the token limit ended. */
function cutAnswers(tasks: readonly TaskReport[]): Block[] {
  const cut = tasks.flatMap(({ task, before, after }) => {
    const shares = [before?.cut, after?.cut].filter((share) => typeof share === 'number');
    return shares.length === 0 ? [] : [{ task, shares, most: Math.max(...shares) }];
  });
  if (cut.length === 0) return [];
  const told = cut.map(
    ({ task, shares }) =>
      `${taskName(task)} ${shares.map((share) => formatPercent(share)).join(' before, ')}${shares.length === 2 ? ' after' : ''}`,
  );
  const sentence = `Answers that the token limit ended: ${told.join('; ')}.`;
  return cut.some(({ most }) => most >= MANY_CUT)
    ? [warning(`${sentence} What is scored of them is not what the model would have answered: raise maxGenToks of these tasks.`)]
    : [info(sentence)];
}

function scoreChart({ tasks, average }: EvaluationReport, { ofTask, ofAverage }: Changes): Block {
  const rows = [
    ...tasks.map(({ task, before, after, difference }) => ({
      name: taskName(task),
      before: before?.normalized ?? null,
      after: after?.normalized ?? null,
      label: formatSigned(difference),
      tone: toneOfChange(ofTask(task), 'higher'),
    })),
    {
      name: 'Average',
      before: average.before,
      after: average.after,
      label: formatSigned(average.difference),
      tone: toneOfChange(ofAverage, 'higher'),
    },
  ];
  return {
    kind: 'chart',
    title: 'Normalised scores: 0 is chance, 100 is perfect',
    alt: rows
      .map(
        ({ name, before, after, label }) =>
          `${name}: ${formatDecimal(before, 1)} before, ${formatDecimal(after, 1)} after, difference ${label}`,
      )
      .join('; '),
    legend: [
      { name: 'official model', mark: 'before' },
      { name: 'after training on the mixture', mark: 'after' },
    ],
    spec: dumbbellChart(rows, 'leaderboard score'),
    numbers: null,
  };
}

function scoreTable({ tasks, average }: EvaluationReport, { ofTask, ofAverage }: Changes): Block {
  return table(
    'Each task’s own metric with its standard error, and the Open LLM Leaderboard’s normalised score; a difference is coloured where a permutation test over the documents sees one',
    ['Task', 'Metric', '>Documents', '>Before', '>After', '>Before, normalised', '>After, normalised', '>Difference', 'What it says'],
    tasks.map(({ task, before, after, difference }) => [
      taskName(task),
      before?.metric ?? after?.metric ?? NO_VALUE,
      documentCount(before, after),
      raw(before),
      raw(after),
      formatDecimal(before?.normalized, 1),
      formatDecimal(after?.normalized, 1),
      differenceCell(difference, ofTask(task)),
      said(ofTask(task)),
    ]),
    [
      'Average',
      '',
      '',
      '',
      '',
      formatDecimal(average.before, 1),
      formatDecimal(average.after, 1),
      differenceCell(average.difference, ofAverage),
      said(ofAverage),
    ],
  );
}

function transitions(tasks: readonly TaskReport[], { ofTask }: Changes): Block[] {
  const compared = tasks.flatMap(({ task, documents }) => (documents === null ? [] : [{ task, documents }]));
  if (compared.length === 0) return [];
  const refused = compared.flatMap(({ task, documents }) =>
    documents.comparable ? [] : [warning(`${taskName(task)} cannot be compared document by document: ${documents.reason}.`)],
  );
  const unpaired = compared.filter(({ documents }) => documents.comparable && documents.onlyBefore + documents.onlyAfter > 0);
  return [
    text('Averages hide exchanges: a model can forget as many answers as it learns. Document by document:'),
    table(
      'What became of each document; the net change is the share of documents gained less the share forgotten, with its paired standard error',
      ['Task', '>Still right', '>Forgotten (right → wrong)', '>Gained (wrong → right)', '>Still wrong', '>Net change'],
      compared.flatMap(({ task, documents }) =>
        documents.comparable
          ? [
              [
                taskName(task),
                formatCount(documents.retained),
                countCell(documents.forgotten, 'bad', ofTask(task)),
                countCell(documents.learned, 'good', ofTask(task)),
                formatCount(documents.neverRight),
                documents.difference === null
                  ? NO_VALUE
                  : formatEstimate(documents.difference.value, documents.difference.stderr, formatSigned),
              ],
            ]
          : [],
      ),
    ),
    ...refused,
    ...unpaired.map(({ task, documents }) =>
      warning(
        `${taskName(task)}: ${formatCounted(documents.comparable ? documents.onlyBefore + documents.onlyAfter : 0, 'document')} were answered by one model only and are left out of this table.`,
      ),
    ),
  ];
}

function raw(score: TaskScore | null): string {
  return score === null ? NO_VALUE : formatEstimate(score.value, score.stderr);
}

function documentCount(before: TaskScore | null, after: TaskScore | null): string {
  if (before !== null && after !== null && before.documents !== after.documents) {
    return `${formatCount(before.documents)} / ${formatCount(after.documents)}`;
  }
  return formatCount((before ?? after)?.documents);
}

function differenceCell(difference: number | null, change: Change | null): Cell {
  const tone = toneOfChange(change, 'higher');
  return tone === undefined ? formatSigned(difference) : { text: formatSigned(difference), tone };
}

function said(change: Change | null): string {
  return change === null ? NO_VALUE : verdictText(change);
}

/** Coloured on the side to which the task has changed, where it has. */
function countCell(count: number, side: 'good' | 'bad', change: Change | null): Cell {
  return toneOfChange(change, 'higher') === side ? { text: formatCount(count), tone: side } : formatCount(count);
}
