import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSpec } from '../../config/load-spec';
import type { RunSpec, RunSpecInput } from '../../config/spec';

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A small run against one endpoint: 2 generators x 2 samples, 2 judges, shards of 3. */
export function smallSpec(baseURL: string, change: (spec: RunSpecInput) => void = () => undefined): RunSpec {
  const folder = mkdtempSync(join(tmpdir(), 'rehearse-new-data-'));
  folders.push(folder);
  const newData = join(folder, 'new.jsonl');
  const conversation = (n: number): string =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `Question ${n}?` },
        { role: 'assistant', content: `Answer ${n}.` },
      ],
    });
  writeFileSync(newData, `${[1, 2, 3, 4].map(conversation).join('\n')}\n`);
  const model = { baseURL, template: 'chatml', limits: { concurrency: 4 } };
  const spec: RunSpecInput = {
    version: 1,
    seed: 7,
    models: { target: { ...model, model: 'target' }, other: { ...model, model: 'other', supportsN: false } },
    target: { model: 'target', weights: 'org/target-model', revision: 'abc' },
    synthesis: {
      extract: { instructions: 8, sampling: { maxTokens: 64 } },
      respond: { generators: ['target', 'other'], samples: 2, sampling: { maxTokens: 64 } },
      judge: { judges: ['target', 'other'], sampling: { maxTokens: 64 } },
      shardSize: 3,
      concurrentShards: 2,
    },
    mix: { newData, newShare: 0.17 },
    train: { maxSteps: 2, dtype: 'float32' },
  };
  change(spec);
  return parseSpec(spec);
}
