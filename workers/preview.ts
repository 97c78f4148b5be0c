import type { ActivityDeps } from '../activities/deps';
import { previewSynthesis, type Preview, type PreviewOptions } from '../activities/preview';
import type { RunSpec } from '../config/spec';
import { createDeps, createLog } from './run';

/** Runs a preview in this process, with a worker's dependencies but for Python, which a synthesis does not need. */
export async function runPreview(spec: RunSpec, options: PreviewOptions): Promise<Preview> {
  const none = async (): Promise<never> => await Promise.reject(new Error('a preview starts no Python'));
  const deps: ActivityDeps = createDeps(
    { python: none, hasPython: async () => await Promise.resolve(false), builtinWeights: none },
    options.stop,
    createLog('warn'),
  );
  try {
    return await previewSynthesis(deps, spec, options);
  } finally {
    await deps.endpoints.close();
  }
}
