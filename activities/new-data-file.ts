import { writeConversations } from '../services/data/conversations';
import { exists } from '../services/store/artifact-store';
import type { RunPlan } from '../stages/run-plan';
import type { ActivityDeps } from './deps';
import { newConversations, type NewDataDeps } from './new-data';
import type { ActivityScope } from './run-activity';

type Places = Pick<ActivityDeps, 'store' | 'workspace'>;

/** Keeps the new data where every worker of the run finds them, by their content: their own file may be on this machine alone. */
export async function keepNewData(deps: Places & NewDataDeps, plan: RunPlan, scope: ActivityScope): Promise<void> {
  const { store, workspace } = deps;
  const place = placeOf(plan);
  const file = workspace.path(place);
  if ((await store.list(FOLDER)).includes(nameOf(plan))) return;
  await writeConversations(file, await newConversations(deps, plan, scope));
  if (!workspace.isStore) await store.upload(place, file);
}

/** The new data as JSONL on this machine, from the store; undefined where they are not kept there. */
export async function newDataFile({ store, workspace }: Places, plan: RunPlan): Promise<string | undefined> {
  const file = workspace.path(placeOf(plan));
  if (await exists(file)) return file;
  return !workspace.isStore && (await store.download(placeOf(plan), file)) ? file : undefined;
}

const FOLDER = 'new-data';

function nameOf({ content }: RunPlan): string {
  return `${content.newData}.jsonl`;
}

function placeOf(plan: RunPlan): string {
  return `${FOLDER}/${nameOf(plan)}`;
}
