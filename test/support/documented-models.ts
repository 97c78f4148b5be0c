import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { RunSpecInput } from '../../config/spec';

type ModelInput = RunSpecInput['models'][string];

/** The entries of docs/endpoints.md, by their headings; a batch API is another way to one of them. */
export function documentedModels(): ReadonlyMap<string, ModelInput> {
  const page = readFileSync(join(__dirname, '../../docs/endpoints.md'), 'utf8');
  const sections = page.split(/^## /m).slice(1);
  return new Map(
    sections.flatMap((section): [string, ModelInput][] => {
      const yaml = /```yaml\n([\s\S]*?)```/.exec(section)?.[1];
      if (yaml === undefined) return [];
      const [model] = Object.values(parse(yaml) as Record<string, ModelInput>);
      return model === undefined || model.mode === 'batch' ? [] : [[section.split('\n')[0]!, model]];
    }),
  );
}

/** A key for each environment variable that a model names. */
export function keysOf({ apiKeyEnv, request }: ModelInput): Record<string, string> {
  const names = [...(apiKeyEnv === undefined ? [] : [apiKeyEnv]), ...Object.values(request?.headersEnv ?? {})];
  return Object.fromEntries(names.map((name) => [name, `key-of-${name.toLowerCase()}`]));
}
