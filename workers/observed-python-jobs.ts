import { Context } from '@temporalio/activity';
import type { WorkerMetrics } from '../services/metrics/worker-metrics';
import type { PythonJobs } from '../services/python/python-jobs';

/** The jobs, with metrics of their trainings; for use in activities. */
export function observedPythonJobs(jobs: PythonJobs, metrics: WorkerMetrics): PythonJobs {
  return {
    async run(job) {
      const workflow = Context.current().info.workflowExecution?.workflowId ?? '';
      let isTraining = false;
      try {
        return await jobs.run({
          ...job,
          onEvent: (event) => {
            if (event.type === 'progress' && event.phase === 'train') {
              isTraining = true;
              const { loss, tokensPerSecond, done, total } = event;
              metrics.trainingStep({ workflow, loss: loss ?? undefined, tokensPerSecond: tokensPerSecond ?? undefined, done, total });
            }
            job.onEvent(event);
          },
        });
      } finally {
        if (isTraining) metrics.trainingEnded(workflow);
      }
    },
  };
}
