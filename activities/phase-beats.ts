import type { ProgressStage } from '../contract/progress';
import { NO_CALLS } from '../method/cost';
import type { PythonEvent } from '../services/python/python-protocol';
import type { ActivityScope } from './run-activity';

/** Tells the progress of a Python job as heartbeats of a row: what its phase counts, and the phase as note. Other events say nothing new. */
export function phaseBeats(
  heartbeat: ActivityScope['heartbeat'],
  row: { readonly stage: ProgressStage; readonly model: string },
): (event: PythonEvent) => void {
  return (event) => {
    if (event.type !== 'progress') return;
    const { done, total, phase: note } = event;
    heartbeat({ ...row, part: 'all', done, total, ...NO_CALLS, note });
  };
}
