import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runSpecJsonSchema, type SchemaNode } from '../../config/json-schema';
import { configFolder } from '../../services/runs/spec-files';

/** The names of all fields that a spec can have. */
function keysOf(node: SchemaNode): string[] {
  const children = [...Object.values(node.properties ?? {}), ...(node.anyOf ?? []), ...(node.items === undefined ? [] : [node.items])];
  if (typeof node.additionalProperties === 'object') children.push(node.additionalProperties);
  return [...Object.keys(node.properties ?? {}), ...children.flatMap(keysOf)];
}

describe('docs/spec.md', () => {
  it('tells of every field of the spec', () => {
    const text = readFileSync(join(configFolder(), '..', 'docs', 'spec.md'), 'utf8');
    const keys = [...new Set(keysOf(runSpecJsonSchema()))].filter((key) => key !== '$schema');
    expect(keys.length).toBeGreaterThan(50);
    expect(keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(text))).toEqual([]);
  });
});
