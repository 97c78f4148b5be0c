import { newDataSets } from '../../config/new-data';
import type { RunSpec } from '../../config/spec';
import type { SpecProblem } from '../../config/spec-errors';
import { trainingTraits } from '../../config/training-backends';
import { trains } from '../../config/until';
import { weightedCounts } from '../../method/weighted-rows';
import { conversationOf } from '../data/conversation-rows';
import { readPlacedRows } from '../data/placed-rows';
import { providerProblem } from '../data/provider-rows';
import { checkDataFile } from './data-file-check';
import { shownPath } from './file-messages';

/** What the new data holds, as far as it could be read. */
export interface NewDataReport {
  readonly problems: readonly SpecProblem[];
  /** Conversations that are used, by the weights of the sets; undefined while some are on the hub. */
  readonly examples?: number;
  readonly characters?: number;
}

const MESSAGES = 'one {"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]} a line';

/** Reads all local new data: what is wrong with its rows, and how much there is of it. */
export async function checkNewData(spec: RunSpec): Promise<NewDataReport> {
  const { mix } = spec;
  const toProvider = trains(spec) && !trainingTraits(spec).readsWeights;
  const sets = newDataSets(mix);
  const problems: SpecProblem[] = [];
  const found: { weight: number; rows: number; characters: number }[] = [];
  for (const { path: place, source, schema, weight } of sets) {
    const files = source.from === 'files' ? source.files : [];
    const set = { weight, rows: 0, characters: 0 };
    for (const file of files) {
      const read = await checkDataFile(readPlacedRows(file), file, {
        place,
        expected: schema === null || schema.kind === 'messages' ? MESSAGES : `rows as ${JSON.stringify(schema)} says`,
        kind: 'a file of JSON lines, JSON or Parquet',
        check(row) {
          const { conversation, problem } = conversationOf(row, schema);
          return problem ?? (toProvider && conversation !== undefined ? providerProblem(conversation) : null);
        },
      });
      problems.push(...read.problems);
      set.rows += read.counted ?? NaN;
      set.characters += read.characters ?? NaN;
    }
    found.push(set);
  }
  if (problems.length > 0 || sets.length === 0) return { problems };
  if (sets.some(({ source }) => source.from === 'hub')) return { problems };
  const counts = weightedCounts(found);
  const examples = counts.reduce((sum, count) => sum + count, 0);
  const characters = found.reduce((sum, set, index) => sum + (set.characters * counts[index]!) / set.rows, 0);
  return {
    problems: holdOutProblems(mix, sets.length === 1 ? sets[0]!.title : undefined, examples),
    examples,
    characters: Math.round(characters),
  };
}

function holdOutProblems({ holdOut }: RunSpec['mix'], file: string | undefined, examples: number): SpecProblem[] {
  const most = examples - 1;
  if (holdOut === undefined || holdOut.new <= most) return [];
  const what = file === undefined ? 'the new data' : JSON.stringify(shownPath(file));
  return [
    {
      path: 'mix.holdOut.new',
      value: String(holdOut.new),
      expected: `at most ${most}, since ${what} has ${examples} conversations, of which some must be left to train on`,
      hint: 'lower it, or add conversations',
    },
  ];
}
