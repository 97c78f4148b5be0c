import { z } from 'zod';
import type { StageManifest } from '../../services/store/stage-store';

/** What a stage said besides its rows. @throws Error when it is not what this version of the code writes */
export function readDetail<T>(manifest: StageManifest, schema: z.ZodType<T>): T {
  const result = schema.safeParse(manifest.detail);
  if (result.success) return result.data;
  throw new Error(
    `the manifest of stages/${manifest.stage}/${manifest.key}/${manifest.part} holds another detail than this version reads ` +
      `(${z.prettifyError(result.error).replace(/\s+/g, ' ')}); remove that folder and start the run again to make it anew`,
    { cause: result.error },
  );
}
