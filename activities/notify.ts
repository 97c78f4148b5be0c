import { ApplicationFailure } from '@temporalio/activity';
import type { Notice } from '../contract/notices';
import { NoticeTargetError, noticeTargets } from '../services/notices/notice-targets';
import { sendNotice } from '../services/notices/send-notice';
import type { ActivityDeps } from './deps';
import { runActivity } from './run-activity';

/** Tells people of a run, where the worker's environment says how. */
export function createNotifyActivities(deps: ActivityDeps) {
  return {
    async sendNotice(notice: Notice): Promise<void> {
      await runActivity(deps, async ({ stop }) => {
        try {
          const targets = noticeTargets(deps.env);
          if (targets !== undefined) await sendNotice(notice, targets, stop);
        } catch (error) {
          if (error instanceof NoticeTargetError) throw ApplicationFailure.nonRetryable(error.message, error.name);
          throw error;
        }
      });
    },
  };
}
