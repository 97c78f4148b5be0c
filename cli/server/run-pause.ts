import { PAUSE_MEMO, type Pause } from '../../contract/control';

/** The pause that a run's memo holds, read without a worker; null when it is not paused. */
export function pauseOf(memo: Readonly<Record<string, unknown>> | undefined): Pause | null {
  const held = memo?.[PAUSE_MEMO];
  if (typeof held !== 'object' || held === null || !('by' in held) || !('reason' in held)) return null;
  return { by: held.by as Pause['by'], reason: String(held.reason) };
}
