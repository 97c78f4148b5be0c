import type { PlanRef } from '../contract/run';
import { writeReportFiles } from '../report/write-report';
import type { RunOutcome } from '../services/store/plan-store';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';

/** What ran and what came of it, as one page. */
export function createReportActivities(deps: ActivityDeps) {
  return {
    /** Writes report.html, report.md and report.json under the run; returns the page's path. */
    async writeReport({ runId, failed = [] }: PlanRef & { readonly failed?: RunOutcome['failed'] }): Promise<{ readonly report: string }> {
      return await runActivity(deps, async () => {
        await deps.plans.saveOutcome(runId, { failed });
        const { html } = await writeReportFiles({ store: deps.store, stages: deps.stages, plans: deps.plans, runId, now: new Date() });
        return { report: html };
      });
    },
  };
}
