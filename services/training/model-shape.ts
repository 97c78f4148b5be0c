import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunSpec } from '../../config/spec';
import { looksLikePath } from '../../config/weights';
import { parametersOf } from '../../planning/model-size';
import type { ModelShape } from '../../planning/training-memory';

const MOST_HEADER_BYTES = 100_000_000;

/** What a decoder's config.json says of its sizes. */
const configSchema = z.looseObject({
  hidden_size: z.int().positive(),
  num_hidden_layers: z.int().positive(),
  vocab_size: z.int().positive(),
  intermediate_size: z.int().positive(),
  num_attention_heads: z.int().positive(),
  num_key_value_heads: z.int().positive().nullish(),
  head_dim: z.int().positive().nullish(),
  tie_word_embeddings: z.boolean().nullish(),
});

const headerSchema = z.record(z.string(), z.looseObject({ shape: z.array(z.int().min(0)).optional() }));

/**
 * Sizes of the target model: of a local directory from its config.json and the headers of its safetensors; of a hub id or
 * a built-in model the number of parameters that its name tells. Undefined where neither says anything.
 */
export async function targetShape(spec: RunSpec): Promise<ModelShape | undefined> {
  const { weights, model } = spec.target;
  if (weights === undefined) return undefined; // an endpoint trains it
  if (looksLikePath(weights)) {
    const parameters = await storedParameters(weights).catch(() => undefined);
    if (parameters !== undefined && parameters > 0) return { parameters, sizes: await sizesOf(weights) };
  }
  const parameters = parametersOf(weights) ?? parametersOf(spec.models[model]?.model ?? '');
  return parameters === null ? undefined : { parameters, sizes: null };
}

async function sizesOf(folder: string): Promise<ModelShape['sizes']> {
  const read = configSchema.safeParse(
    await readFile(join(folder, 'config.json'), 'utf8')
      .then(JSON.parse)
      .catch(() => undefined),
  );
  if (!read.success) return null; // another architecture: its activations are not guessed
  const { hidden_size: hidden, num_attention_heads: heads, ...config } = read.data;
  const head = config.head_dim ?? hidden / heads;
  return {
    hidden,
    layers: config.num_hidden_layers,
    vocabulary: config.vocab_size,
    intermediate: config.intermediate_size,
    queries: heads * head,
    keys: (config.num_key_value_heads ?? heads) * head,
    tied: config.tie_word_embeddings ?? false,
  };
}

/** Sum over the shapes in the files' headers; of an indexed model, the files of its index. */
async function storedParameters(folder: string): Promise<number> {
  const index: unknown = await readFile(join(folder, 'model.safetensors.index.json'), 'utf8')
    .then(JSON.parse)
    .catch(() => undefined);
  const indexed = z.looseObject({ weight_map: z.record(z.string(), z.string()) }).safeParse(index);
  const files = indexed.success
    ? [...new Set(Object.values(indexed.data.weight_map))]
    : (await readdir(folder)).filter((name) => name.endsWith('.safetensors'));
  const counts = await Promise.all(files.map(async (name) => await parametersIn(join(folder, name))));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function parametersIn(path: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { buffer: prefix } = await file.read(Buffer.alloc(8), 0, 8, 0);
    const length = Math.min(Number(prefix.readBigUInt64LE()), MOST_HEADER_BYTES);
    const { buffer: header } = await file.read(Buffer.alloc(length), 0, length, 8);
    const tensors = headerSchema.parse(JSON.parse(header.toString('utf8')));
    return Object.values(tensors).reduce(
      (sum, { shape }) => sum + (shape === undefined ? 0 : shape.reduce((product, size) => product * size, 1)),
      0,
    );
  } finally {
    await file.close();
  }
}
