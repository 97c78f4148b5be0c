import { z } from 'zod';
import { runSpecSchema } from './spec';

/** The parts of a JSON Schema that describe a run spec. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
}

let generated: SchemaNode | undefined;

/**
 * The run spec's JSON Schema (draft 7, which YAML editors understand), of what a user may write: fields with defaults
 * are optional. config/run-spec.schema.json is this, written by `node dist/config/write-json-schema.js`.
 */
export function runSpecJsonSchema(): SchemaNode {
  generated ??= {
    ...(z.toJSONSchema(runSpecSchema, { io: 'input', target: 'draft-7' }) as SchemaNode),
    title: 'Rehearse run spec',
  } as SchemaNode;
  return generated;
}

/** The text of config/run-spec.schema.json. */
export function runSpecJsonSchemaText(): string {
  return `${JSON.stringify(runSpecJsonSchema(), null, 2)}\n`;
}

/** The schema of the value at a path, or undefined where the spec has no such place. */
export function schemaAt(path: readonly PropertyKey[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = runSpecJsonSchema();
  for (const part of path) {
    const here: SchemaNode | undefined = node === undefined ? undefined : alternativeWith(node, part);
    const extra: SchemaNode | boolean | undefined = here?.additionalProperties;
    node =
      typeof part === 'number'
        ? here?.items
        : ((Object.hasOwn(here?.properties ?? {}, String(part)) ? here?.properties?.[String(part)] : undefined) ??
          (typeof extra === 'object' ? extra : undefined));
    if (node === undefined) return undefined;
  }
  return node;
}

/** Of alternatives, the mapping that has the key, or else any mapping or list; only those have places inside. */
function alternativeWith(node: SchemaNode, part: PropertyKey): SchemaNode {
  const alternatives = node.anyOf ?? node.oneOf;
  if (alternatives === undefined) return node;
  const branches = alternatives.map((branch) => alternativeWith(branch, part));
  if (typeof part === 'number') return branches.find(({ items }) => items !== undefined) ?? node;
  return (
    branches.find(({ properties }) => properties !== undefined && Object.hasOwn(properties, part)) ??
    branches.find(({ properties, items }) => properties !== undefined || items !== undefined) ??
    node
  );
}

/** Every place of the spec that has a key of this name, as dotted paths; `*` stands for a name that the user gives. */
export function placesOfKey(key: string): string[] {
  const found: string[] = [];
  const visit = (node: SchemaNode, path: string): void => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      const here = path === '' ? name : `${path}.${name}`;
      if (name === key) found.push(here);
      visit(child, here);
    }
    if (typeof node.additionalProperties === 'object') visit(node.additionalProperties, `${path}.*`);
    if (node.items !== undefined) visit(node.items, `${path}[]`);
    (node.anyOf ?? node.oneOf)?.forEach((branch) => visit(branch, path));
  };
  visit(runSpecJsonSchema(), '');
  return found;
}
