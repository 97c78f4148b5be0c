import { formatCount } from '../../contract/figures';
import type { ExportStage } from '../../export/export-rows';
import type { Coverage } from '../../export/stored-parts';

/** Sentences for an export that does not hold all that the run will have; none for a complete one. */
export function coverageNotices(runId: string, stage: ExportStage, { planned, missing, outdated }: Coverage): string[] {
  const notices: string[] = [];
  const gone = [...missing].map(([name, count]) => `${formatCount(count)} of ${name}`);
  if (gone.length > 0) {
    const total = [...missing.values()].reduce((sum, count) => sum + count, 0);
    notices.push(
      `run "${runId}" has not made all its ${stage} yet: ${formatCount(total)} of ${formatCount(planned)} parts are missing (${gone.join(', ')}); ` +
        `see "npx rehearse status ${runId}"`,
    );
  }
  if (outdated > 0) {
    notices.push(
      `${formatCount(outdated)} of ${formatCount(planned)} parts were made by another version of Rehearse or from inputs that have changed since; ` +
        `"npx rehearse resume ${runId}" makes them again from the stored calls`,
    );
  }
  return notices;
}
