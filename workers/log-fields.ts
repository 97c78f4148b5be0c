import { asyncLocalStorage } from '@temporalio/activity';

/** Of an activity that is running in this asynchronous context: which run and what of it, for every line that it logs. Else nothing. */
export function activityFields(): Record<string, unknown> {
  const info = asyncLocalStorage.getStore()?.info;
  if (info === undefined) return {};
  const workflowId = info.workflowExecution?.workflowId ?? '';
  const [run = '', part] = workflowId.split('/', 2);
  return { run, ...(part === undefined ? {} : { part }), activity: info.activityType, attempt: info.attempt };
}
