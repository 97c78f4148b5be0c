import { z } from 'zod';
import { canonicalJson } from '../method/canonical-json';
import type { StageAddress } from './address';
import { sha256 } from './sha256';
import type { Table } from './table';

const KEY_DIGITS = 20;

/** Makes a key: a hash of a stage's name, its version, and the parts that determine an output. */
export type KeyHash = (parts: Readonly<Record<string, unknown>>) => string;

/** Everything that the rest of the code must know of a stage. */
export interface StageDefinition<Name extends string, Row extends object, Detail, KeyOf extends unknown[], PlaceOf extends unknown[]> {
  /** Part of addresses, export rows and the progress table. */
  readonly name: Name;
  /**
   * Version of what the stage computes: raise it when its code changes what comes out, or makes other requests; outputs made
   * before are then no longer found.
   */
  readonly version: number;
  /** Version of the code that makes rows: raise it when the same calls are read otherwise; rows are then made again from the stored calls. */
  readonly rowsVersion: number;
  /**
   * What stands for the rows version in the keys of later stages: the one it had when there were first such keys, since then every
   * output knows its inputs by their content. Default: the rows version.
   */
  readonly keyedAs?: number;
  /** Whether it makes model calls, which are journalled, budgeted and stored with the rows. */
  readonly callsModels: boolean;
  readonly table: Table<Row>;
  /** What it says besides its rows; left out where it says nothing. */
  readonly detail?: z.ZodType<Detail>;
  /** Key of an output: the part of the spec that the stage reads, and the keys of its inputs. */
  readonly key: (hash: KeyHash, ...of: KeyOf) => string;
  /** Where a plan has an output: its key, and which part of the run's items it covers. */
  readonly place: (...of: PlaceOf) => { readonly key: string; readonly part: string };
}

/** What every stage has, whatever its rows. */
export interface StageIdentity {
  readonly name: string;
  readonly rowsVersion: number;
  readonly callsModels: boolean;
}

/** A stage of the method, and how its outputs are read. */
export interface Stage<Row extends object, Detail = unknown> extends StageIdentity {
  readonly table: Table<Row>;
  readonly detail: z.ZodType<Detail> | undefined;
}

/** One output of some stage. */
export interface OutputRef {
  readonly stage: StageIdentity;
  readonly address: StageAddress;
}

/** One output of a stage: where it is, and how it is read. */
export interface Output<Row extends object, Detail = unknown> extends OutputRef {
  readonly stage: Stage<Row, Detail>;
}

export interface DefinedStage<
  Name extends string,
  Row extends object,
  Detail,
  KeyOf extends unknown[],
  PlaceOf extends unknown[],
> extends Stage<Row, Detail> {
  readonly name: Name;
  readonly keyedAs: number;
  key(...of: KeyOf): string;
  /** A plan's output. @throws Error when the plan has no such stage */
  at(...of: PlaceOf): Output<Row, Detail>;
  /** What stands for an input of this stage in the key of another one. */
  input(key: string): StageInput;
}

/**
 * Defines a stage. A stage output is addressed by what determines it: the stage's name and version, the part of the spec that it
 * reads, and the keys of its inputs. The same key is never computed twice, another key is never served.
 */
export function defineStage<Name extends string, Row extends object, Detail, KeyOf extends unknown[], PlaceOf extends unknown[]>(
  definition: StageDefinition<Name, Row, Detail, KeyOf, PlaceOf>,
): DefinedStage<Name, Row, Detail, KeyOf, PlaceOf> {
  const { name, version, rowsVersion, keyedAs = rowsVersion, callsModels, table, detail, key, place } = definition;
  const hash: KeyHash = (parts) => sha256(canonicalJson({ stage: name, version, ...parts })).slice(0, KEY_DIGITS);
  const stage: DefinedStage<Name, Row, Detail, KeyOf, PlaceOf> = {
    name,
    rowsVersion,
    callsModels,
    table,
    detail,
    key: (...of) => key(hash, ...of),
    at: (...of) => ({ stage, address: { stage: name, ...place(...of) } }),
    keyedAs,
    input: (inputKey) => [inputKey, keyedAs],
  };
  return stage;
}

/**
 * What stands for an input in another stage's key. When code reads the same calls otherwise, the rows that come out the same keep
 * everything that was made from them, and only what was made from others is made again: manifests hold their inputs' hashes.
 */
export type StageInput = readonly [key: string, keyedAs: number];

/** A key that a plan must have. @throws Error when it has none */
export function knownKey(key: string | undefined, name: string): string {
  if (key === undefined) throw new Error(`the plan has no stage for "${name}"; a validated spec cannot come here`);
  return key;
}

/** What a stored output says besides its rows. @throws Error when it is not what this version of the code writes */
export function readDetail<Detail>(schema: z.ZodType<Detail> | undefined, { stage, key, part }: StageAddress, detail: unknown): Detail {
  if (schema === undefined) throw new Error(`the stage "${stage}" says nothing besides its rows`);
  const result = schema.safeParse(detail);
  if (result.success) return result.data;
  throw new Error(
    `the manifest of stages/${stage}/${key}/${part} holds another detail than this version reads ` +
      `(${z.prettifyError(result.error).replace(/\s+/g, ' ')}); remove that folder and start the run again to make it again`,
    { cause: result.error },
  );
}
