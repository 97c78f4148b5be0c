import { NO_CALLS } from '../method/cost';
import { MethodError } from '../method/method-error';
import type { Conversation } from '../method/records';
import { conversationOf } from '../services/data/conversation-rows';
import { DataFileError } from '../services/data/data-file-error';
import { readJsonLines } from '../services/data/json-lines';
import { newDataIdentity, readNewData } from '../services/data/new-data';
import { rawRowSchema } from '../services/python/python-protocol';
import { fetchedSets, newDataStage, type FetchedRow } from '../stages/new-data';
import type { RunPlan } from '../stages/run-plan';
import type { ActivityDeps } from './deps';
import type { ActivityScope } from './run-activity';

export type NewDataDeps = Pick<ActivityDeps, 'stages' | 'workspace' | 'python'>;

/** More rows than any set has. */
const ALL_ROWS = 2 ** 31 - 1;

/** Rows told of one set that cannot be used. */
const MOST_PROBLEMS = 5;

/** All new data that is trained on, by the weights of its sets. @throws MethodError when it has changed since the run was planned */
export async function newConversations(deps: NewDataDeps, plan: RunPlan, scope: ActivityScope): Promise<Conversation[]> {
  const { mix, seed } = plan.spec;
  if ((await newDataIdentity(mix)) !== plan.content.newData) {
    const what = typeof mix.newData === 'string' ? mix.newData : 'the new data';
    throw new MethodError(`${what} has changed since the run began; start the run again to plan it with the new content`);
  }
  const rows = plan.keys.newData === undefined ? [] : await fetchNewData(deps, plan, scope);
  return await readNewData(mix, seed, (index) =>
    Promise.resolve(rows.filter(({ set }) => set === index).map(({ set: _set, ...conversation }) => conversation)),
  );
}

/**
 * The new data that is on the hub, fetched once and checked row by row.
 * @throws DataFileError that names rows which cannot be used
 */
export async function fetchNewData(deps: NewDataDeps, plan: RunPlan, { stop, heartbeat }: ActivityScope): Promise<readonly FetchedRow[]> {
  const output = newDataStage.at(plan);
  await deps.stages.findOrMake(output, async () => {
    const fetched: FetchedRow[] = [];
    const sets: { title: string; rows: number; revision: string | null; licence: string | null }[] = [];
    for (const { index, set } of fetchedSets(plan.spec)) {
      const result = await deps.python.run({
        command: 'datasets',
        stop,
        onEvent: (event) => {
          if (event.type !== 'progress') return;
          heartbeat({
            ...NO_CALLS,
            stage: 'replay',
            model: set.title,
            part: 'all',
            done: event.done,
            total: event.done,
            note: event.phase,
          });
        },
        spec: {
          source: set.source,
          schema: { kind: 'raw' },
          count: ALL_ROWS,
          seed: plan.spec.seed,
          outputDir: deps.workspace.path(`${deps.stages.folder(output.address)}/job-${index}`),
        },
      });
      const own = await adapted(result.conversations, set.title, set.schema, index);
      fetched.push(...own);
      sets.push({ title: set.title, rows: own.length, revision: result.revision, licence: result.licence });
    }
    return { rows: fetched, detail: { sets }, inputs: [] };
  });
  return await deps.stages.inputRows(output);
}

async function adapted(path: string, title: string, schema: Parameters<typeof conversationOf>[1], set: number): Promise<FetchedRow[]> {
  const rows: FetchedRow[] = [];
  const problems: string[] = [];
  let bad = 0;
  for await (const { row } of readJsonLines(path)) {
    const { part, index, row: raw } = rawRowSchema.parse(row);
    const { conversation, problem } = conversationOf(raw, schema);
    if (problem === undefined) {
      rows.push({ set, id: `n${set}.${part}.${String(index).padStart(7, '0')}`, ...conversation });
      continue;
    }
    bad++;
    if (problems.length < MOST_PROBLEMS) {
      problems.push(`row ${index} of ${part}: ${problem.path} is ${problem.value} where ${problem.expected} belongs`);
    }
  }
  if (bad === 0) return rows.sort((a, b) => (a.id < b.id ? -1 : 1)); // the job draws an order
  const more = bad > problems.length ? `; and ${bad - problems.length} more` : '';
  throw new DataFileError(title, `${problems.join('; ')}${more}`, 'download the set, mend or remove these rows, and name local files');
}
