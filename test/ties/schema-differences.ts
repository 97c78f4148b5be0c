/** The parts of a JSON Schema that pydantic and zod write. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
}

/**
 * How what one side writes differs from what the other reads, a sentence each: a field that one of them does not know, one
 * that the reader needs and the writer may leave out, a type or a constant that the reader does not take. Limits of numbers
 * are not compared, and an integer is a number.
 */
export function schemaDifferences(written: JsonSchema, read: JsonSchema): string[] {
  return new Comparison(written, read).between(written, read, '');
}

class Comparison {
  constructor(
    private readonly written: JsonSchema,
    private readonly read: JsonSchema,
  ) {}

  between(written: JsonSchema, read: JsonSchema, at: string): string[] {
    const takes = alternatives(read, this.read);
    return alternatives(written, this.written).flatMap((given) => {
      // Of several mappings the one that fits best is meant.
      const outcomes = takes.filter((taken) => fits(given, taken)).map((taken) => this.single(given, taken, at));
      return outcomes.sort((a, b) => a.length - b.length)[0] ?? [`${at || 'the whole'} is written as ${kindOf(given)}, which is not read`];
    });
  }

  private single(written: JsonSchema, read: JsonSchema, at: string): string[] {
    if (written.items !== undefined || read.items !== undefined) return this.between(written.items ?? {}, read.items ?? {}, `${at}[]`);
    if (kindOf(written) !== 'object') return [];
    const [given, taken] = [written.properties ?? {}, read.properties ?? {}];
    const values = [written, read].map(({ additionalProperties }) =>
      typeof additionalProperties === 'object' ? additionalProperties : {},
    );
    if (Object.keys(given).length + Object.keys(taken).length === 0) return this.between(values[0] ?? {}, values[1] ?? {}, `${at}{}`);
    return [...new Set([...Object.keys(given), ...Object.keys(taken)])].flatMap((name) => {
      const field = at === '' ? name : `${at}.${name}`;
      const [ours, theirs] = [given[name], taken[name]];
      if (ours === undefined) return [`${field} is read, but never written`];
      if (theirs === undefined) return [`${field} is written, but not read`];
      const isNeeded = read.required?.includes(name) === true;
      return [
        ...(isNeeded && written.required?.includes(name) !== true ? [`${field} is needed, but may be left out`] : []),
        ...this.between(ours, theirs, field),
      ];
    });
  }
}

/** A schema's alternatives, each of one kind. */
function alternatives(schema: JsonSchema, root: JsonSchema): JsonSchema[] {
  if (schema.$ref !== undefined) {
    const found = root.$defs?.[schema.$ref.replace('#/$defs/', '')];
    if (found === undefined) throw new Error(`the schema has no ${schema.$ref}`);
    return alternatives(found, root);
  }
  const several = schema.anyOf ?? schema.oneOf;
  if (several !== undefined) return several.flatMap((each) => alternatives(each, root));
  if (schema.enum !== undefined) return schema.enum.map((value) => ({ const: value }));
  return typeof schema.type === 'object' ? schema.type.map((type) => ({ ...schema, type })) : [schema];
}

function fits(written: JsonSchema, read: JsonSchema): boolean {
  if (written.const === undefined || read.const !== undefined) return kindOf(written) === kindOf(read);
  return kindOf(read) === typeof written.const;
}

function kindOf({ const: value, type = 'anything' }: JsonSchema): string {
  if (value !== undefined) return JSON.stringify(value);
  return type === 'integer' ? 'number' : String(type);
}
