import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSpec } from '../config/load-spec';
import type { RunSpec } from '../config/spec';
import { configFolder, loadSpecFile } from '../services/runs/spec-files';

export interface PaperRunOptions {
  readonly instructions: number;
  /** Of the endpoint that stands for all three models. */
  readonly baseURL: string;
  /** For the new data and the stand-in for the weights. */
  readonly folder: string;
  readonly shardSize?: number;
  readonly concurrentShards?: number;
  /** Calls in flight per model and worker process; the preset's when left out. */
  readonly concurrency?: number;
}

/**
 * The spec of `config/paper.yaml` with its three models at one local endpoint, without keys, prices and rates per minute,
 * which an endpoint on this machine does not have, and without the variants that need data sets of the hub. Weights are a
 * stand-in, since nothing is trained; the new data is as much as 17 % of the mixture asks for.
 */
export async function paperRunSpec({
  instructions,
  baseURL,
  folder,
  shardSize,
  concurrentShards,
  concurrency,
}: PaperRunOptions): Promise<RunSpec> {
  const weights = join(folder, 'weights');
  await mkdir(weights, { recursive: true });
  await writeFile(join(weights, 'config.json'), '{}');
  await writeFile(join(weights, 'model.safetensors'), 'a stand-in: nothing is trained here');

  const spec = await loadSpecFile(join(configFolder(), 'paper.yaml'));
  const newData = join(folder, 'new-data.jsonl');
  const newRows = Math.ceil((instructions * spec.mix.newShare) / (1 - spec.mix.newShare));
  await writeFile(newData, Array.from({ length: newRows }, (_, index) => conversation(index)).join(''));
  return parseSpec({
    ...spec,
    models: Object.fromEntries(
      Object.entries(spec.models).map(([name, { model, id, template, supportsN, limits }]) => [
        name,
        // An identity of its own: the endpoint's port is another one in each run, and is part of no stage key then.
        { baseURL, model, id: id ?? model, template, supportsN, limits: { concurrency: concurrency ?? limits.concurrency } },
      ]),
    ),
    target: { ...spec.target, weights },
    synthesis: {
      ...spec.synthesis,
      extract: { ...spec.synthesis.extract, instructions },
      shardSize: shardSize ?? spec.synthesis.shardSize,
      concurrentShards: concurrentShards ?? spec.synthesis.concurrentShards,
    },
    mix: { ...spec.mix, newData },
    variants: ['official', 'method'],
  });
}

/** Requests that the synthesis of a spec makes when every reply is usable: samples are one request where `n` is supported. */
export function expectedRequests({ models, synthesis: { extract, respond, judge } }: RunSpec): number {
  const perGenerator = respond.generators.map((name) => (models[name]?.supportsN === false ? respond.samples : 1));
  const requests =
    1 + perGenerator.reduce((sum, count) => sum + count, 0) + respond.generators.length * respond.samples * judge.judges.length;
  return extract.instructions * requests;
}

function conversation(index: number): string {
  return `${JSON.stringify({
    messages: [
      { role: 'user', content: `What does the guideline say about case ${index}?` },
      { role: 'assistant', content: `For case ${index}: examine first, then treat, then examine again, and write down what changed.` },
    ],
  })}\n`;
}
