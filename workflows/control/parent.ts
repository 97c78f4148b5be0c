import { getExternalWorkflowHandle, workflowInfo, type ExternalWorkflowHandle } from '@temporalio/workflow';

/** The workflow that started this one: that very run of it. */
export function parentHandle(): ExternalWorkflowHandle {
  const { parent } = workflowInfo();
  if (parent === undefined) throw new Error('this workflow must be started by another one; start an experiment instead');
  return getExternalWorkflowHandle(parent.workflowId, parent.runId);
}
