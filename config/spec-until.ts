import { z } from 'zod';

/** `until`: where a run ends. */
export const untilSchema = z
  .enum(['replay', 'mixture'])
  .describe(
    'Where the run ends: replay, with the replay set (no new data, weights or GPU is needed); mixture, with the mixtures of all variants (no weights or GPU). Without it, after all.',
  );
