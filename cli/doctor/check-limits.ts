import { limitSharing, LimitSharingError, type LimitSharing } from '../../services/limits/limit-sharing';
import { RedisUrlError } from '../../services/limits/redis-url';
import type { Finding } from './finding';

const silent = { info: () => undefined, warn: () => undefined };

/** How the llm workers that have this environment share each model's limits, and whether Redis answers where they do. */
export async function checkLimits(env: Readonly<Record<string, string | undefined>> = process.env): Promise<Finding> {
  const check = 'limits';
  let sharing: LimitSharing;
  try {
    sharing = limitSharing(env, silent);
  } catch (error) {
    if (!(error instanceof LimitSharingError) && !(error instanceof RedisUrlError)) throw error;
    return { check, state: 'fail', message: error.message, fix: 'set it right for all llm workers' };
  }
  try {
    await sharing.check();
    return { check, state: 'ok', message: sharing.description };
  } catch (error) {
    return {
      check,
      state: 'fail',
      message: error instanceof Error ? error.message : String(error),
      fix: 'start it, or correct REHEARSE_REDIS_URL; llm workers make no calls without it. Unset, each worker takes its part of the limits (REHEARSE_LLM_WORKERS)',
    };
  } finally {
    sharing.close();
  }
}
