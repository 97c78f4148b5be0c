import { open, readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { FailureType } from '../../contract/failures';
import { canonicalJson } from '../../method/canonical-json';
import { sha256 } from '../../stages/sha256';

/** Where weights lie for the trainer, and what stands for them in stage keys. */
export interface ResolvedWeights {
  /** A directory, or a hub id. */
  readonly path: string;
  readonly identity: string;
}

/** Turns `target.weights` of a spec into something that the trainer can load. */
export interface WeightsResolver {
  resolve(weights: string, revision: string | undefined): Promise<ResolvedWeights>;
}

/** The spec names weights that are not there. */
export class WeightsNotFoundError extends Error {
  override readonly name = 'WeightsNotFoundError' satisfies FailureType;
}

const BUILTIN_PREFIX = 'builtin:';
const SAMPLE_BYTES = 1 << 20;
const WEIGHTS = /\.(safetensors|bin|gguf)$/;
const CONFIGURATION = /\.(json|model|txt|jinja)$/;

/** @param builtin gives the directory of a model that ships with a package; throws for unknown names */
export function createWeightsResolver(builtin: (name: string) => Promise<string>): WeightsResolver {
  return {
    async resolve(weights, revision) {
      if (weights.startsWith(BUILTIN_PREFIX)) {
        return { path: await builtin(weights.slice(BUILTIN_PREFIX.length)), identity: weights };
      }
      if (/^[./~]/.test(weights)) {
        const path = weights.replace(/^~(?=\/|$)/, homedir());
        return { path, identity: await directoryIdentity(path) };
      }
      return { path: weights, identity: canonicalJson({ hub: weights, revision: revision ?? null }) };
    },
  };
}

/**
 * Identity of a local checkpoint: names, sizes and the first and last megabyte of each weight file, and its configuration
 * whole. Hashing 140 GB at every start would take minutes; the trainer hashes all of it once, into its result.
 */
async function directoryIdentity(folder: string): Promise<string> {
  const entries = await readdir(folder).catch((cause: unknown) => {
    throw new WeightsNotFoundError(`target.weights is ${folder}, which cannot be read as a directory: ${(cause as Error).message}`, {
      cause,
    });
  });
  const names = entries.filter((name) => WEIGHTS.test(name) || CONFIGURATION.test(name)).sort();
  if (!names.some((name) => WEIGHTS.test(name))) {
    throw new WeightsNotFoundError(
      `target.weights is ${folder}, which holds no .safetensors, .bin or .gguf file; name the directory of a checkpoint`,
    );
  }
  const parts = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const { size } = await stat(path);
      const file = await open(path, 'r');
      try {
        const length = Math.min(size, SAMPLE_BYTES);
        const head = await file.read(Buffer.alloc(length), 0, length, 0);
        const tail = await file.read(Buffer.alloc(length), 0, length, size - length);
        return [name, size, sha256(head.buffer), sha256(tail.buffer)];
      } finally {
        await file.close();
      }
    }),
  );
  return sha256(canonicalJson(parts));
}
