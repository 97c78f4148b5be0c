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
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
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

/** Numbers that the first schema allows and the second, in a field of the same name, does not; a sentence each. */
export function widerLimits(first: JsonSchema, second: JsonSchema, root = second, at = ''): string[] {
  return alternatives(first, first).flatMap((ours) =>
    alternatives(second, root)
      .filter((theirs) => kindOf(ours) === kindOf(theirs))
      .flatMap((theirs) => {
        if (ours.items !== undefined && theirs.items !== undefined) return widerLimits(ours.items, theirs.items, root, `${at}[]`);
        const fields = Object.entries(ours.properties ?? {}).flatMap(([name, field]) => {
          const other = theirs.properties?.[name];
          return other === undefined ? [] : widerLimits(field, other, root, at === '' ? name : `${at}.${name}`);
        });
        const beyond = kindOf(ours) === 'number' ? ends(ours).filter((end) => !isWithin(end, theirs)) : [];
        return [...fields, ...beyond.map((end) => `${at} may be ${end}, which is not read`)];
      }),
  );
}

/** The least and the largest number that a schema allows, or one close by where the end itself is excluded. */
function ends({ type, minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): [number, number] {
  const step = type === 'integer' ? 1 : 1e-9;
  return [
    exclusiveMinimum === undefined ? (minimum ?? -Infinity) : exclusiveMinimum + step,
    exclusiveMaximum === undefined ? (maximum ?? Infinity) : exclusiveMaximum - step,
  ];
}

function isWithin(value: number, { minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): boolean {
  const isOver = value >= (minimum ?? -Infinity) && (exclusiveMinimum === undefined || value > exclusiveMinimum);
  return isOver && value <= (maximum ?? Infinity) && (exclusiveMaximum === undefined || value < exclusiveMaximum);
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
