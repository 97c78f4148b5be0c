import { join } from 'node:path';
import { partsOf, readParts, type StoredRow } from './stored-parts';

/** What the check found; a run passes when `rows` is what was asked for and `problems` is empty. */
export interface WinnerCheck {
  readonly rows: number;
  readonly judgments: number;
  /** Rows whose best mean several responses share; which of them wins is the seed's business. */
  readonly ties: number;
  readonly problems: readonly string[];
}

const MOST_PROBLEMS = 20;

/**
 * Chooses every winner once more from the stored judgments, with code of its own: it reads the Parquet files of a store
 * that holds one run, and shares nothing with the selection, the stage store or the tables of the project. A kept row must
 * hold the text and the scores of a response whose scores add up to the most of its instruction: of those that came to their end, where
 * there is one, as `synthesis.select.truncated: last` has it.
 */
export async function checkWinners({
  store,
  responsesEach,
  judges,
}: {
  readonly store: string;
  readonly responsesEach: number;
  readonly judges: number;
}): Promise<WinnerCheck> {
  const problems: string[] = [];
  const complain = (problem: string): void => {
    if (problems.length < MOST_PROBLEMS) problems.push(problem);
  };
  let rows = 0;
  let judgments = 0;
  let ties = 0;
  const stages = join(store, 'stages');
  const selections = await partsOf(join(stages, 'select'));
  const seen = new Set<unknown>();

  for (const part of selections) {
    const instructions = byKey(await readParts(stages, 'extract', part), 'id');
    const responses = byKey(await readParts(stages, 'respond', part), 'id');
    const sums = new Map<unknown, Map<unknown, { sum: number; scores: Record<string, unknown> }>>();
    for (const judgment of await readParts(stages, 'judge', part)) {
      judgments++;
      const { instructionId, responseId, judge, score } = judgment;
      const ofInstruction = sums.get(instructionId) ?? new Map<unknown, { sum: number; scores: Record<string, unknown> }>();
      sums.set(instructionId, ofInstruction);
      const ofResponse = ofInstruction.get(responseId) ?? { sum: 0, scores: {} };
      ofInstruction.set(responseId, ofResponse);
      // Ratings are whole numbers, so sums compare without rounding.
      if (!Number.isInteger(score) || String(judge) in ofResponse.scores) {
        complain(`${String(judgment['id'])}: score ${String(score)}, or a second one of this judge`);
      }
      ofResponse.sum += Number(score);
      ofResponse.scores[String(judge)] = score;
    }
    for (const row of await readParts(stages, 'select', part)) {
      rows++;
      const { instructionId, responseId } = row;
      if (seen.has(instructionId)) complain(`${String(instructionId)} was kept twice`);
      seen.add(instructionId);
      const candidates = sums.get(instructionId) ?? new Map<unknown, never>();
      const winner = candidates.get(responseId);
      const whole = [...candidates].filter(([id]) => responses.get(id)?.['finishReason'] !== 'length');
      const running = (whole.length > 0 ? whole : [...candidates]).map(([, each]) => each);
      const best = Math.max(...running.map(({ sum }) => sum));
      const response = responses.get(responseId);
      if (candidates.size !== responsesEach) {
        complain(`${String(instructionId)}: ${candidates.size} responses were judged, not ${responsesEach}`);
      }
      if (winner === undefined || !running.includes(winner) || winner.sum !== best) {
        complain(`${String(instructionId)}: kept ${String(responseId)} with ${winner?.sum}, the best has ${best}`);
      } else if (
        Object.keys(winner.scores).length !== judges ||
        !sameScores(row['scores'], winner.scores) ||
        Math.abs(Number(row['meanScore']) - best / judges) > 1e-9
      ) {
        complain(
          `${String(instructionId)}: scores ${String(row['scores'])}, mean ${String(row['meanScore'])}, but the judgments say ${JSON.stringify(winner.scores)}`,
        );
      }
      if (row['response'] !== response?.['text'] || response?.['instructionId'] !== instructionId) {
        complain(`${String(instructionId)}: the text is not that of ${String(responseId)}`);
      }
      if (row['instruction'] !== instructions.get(instructionId)?.['text']) {
        complain(`${String(instructionId)}: the instruction's text is another one`);
      }
      if (running.filter(({ sum }) => sum === best).length > 1) ties++;
    }
  }
  return { rows, judgments, ties, problems };
}

function byKey(rows: readonly StoredRow[], key: string): Map<unknown, StoredRow> {
  return new Map(rows.map((row) => [row[key], row]));
}

/** Scores are stored as JSON; the order of the judges does not matter. */
function sameScores(stored: unknown, scores: Readonly<Record<string, unknown>>): boolean {
  const kept = (typeof stored === 'string' ? JSON.parse(stored) : stored) as Record<string, unknown>;
  return Object.keys(kept).length === Object.keys(scores).length && Object.entries(scores).every(([judge, score]) => kept[judge] === score);
}
