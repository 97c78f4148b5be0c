import { ApplicationFailure, Context } from '@temporalio/activity';
import { modelOf } from '../config/models-in-use';
import { looksLikePath } from '../config/weights';
import { servedSignal } from '../contract/control';
import type { PlanRef } from '../contract/run';
import { NO_CALLS } from '../method/cost';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';

/** Serves a model of the spec on this worker's machine, for as long as the workflow wants it. */
export function createServeModelActivities(deps: ActivityDeps) {
  return {
    /** Tells the run the address every time that the server is up. Ends by cancellation only. */
    async serveModel({ plan: hash, model: name }: PlanRef & { readonly model: string }): Promise<never> {
      return await runActivity(deps, async ({ stop, heartbeat }) => {
        const { spec } = await deps.plans.load(hash);
        const { serve, model: alias } = modelOf(spec, name);
        const weights = serve?.weights ?? spec.target.weights;
        if (serve === undefined || weights === undefined) {
          throw ApplicationFailure.nonRetryable(`models.${name} has nothing to serve; a validated spec cannot come here`);
        }
        // llama.cpp reads one file; what is resolved is a checkpoint's directory.
        const isFile = serve.engine === 'llama.cpp' && looksLikePath(weights);
        const path = isFile ? weights : (await deps.weights.resolve(weights, serve.revision)).path;
        const context = Context.current();
        const { workflowId, runId } = context.info.workflowExecution ?? {};
        if (workflowId === undefined) throw ApplicationFailure.nonRetryable('a model is served for a workflow');
        const run = context.client.workflow.getHandle(workflowId, runId);
        return await deps.servers.serve({
          alias,
          serve,
          weights: path,
          ...(serve.revision === undefined ? {} : { revision: serve.revision }),
          logFile: deps.workspace.path(`serve/${name}.log`),
          stop,
          onReady: async (baseURL) => await run.signal(servedSignal, { model: name, baseURL }),
          onState: (state) =>
            heartbeat({ stage: 'serve', model: name, part: 'all', done: state === 'up' ? 1 : 0, total: 1, ...NO_CALLS, note: state }),
        });
      });
    },
  };
}
