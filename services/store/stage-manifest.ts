import { canonicalJson } from '../../method/canonical-json';
import type { Usage } from '../../method/records';
import type { StageAddress } from '../../stages/address';
import { sha256 } from '../../stages/sha256';

/** What a stage did, for progress and report. */
export interface StageStats {
  /** Samples that were asked for. */
  readonly calls: number;
  /** HTTP requests that were answered. */
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Sum of the requests' durations. */
  readonly modelMs: number;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Faults that were retried by the last attempt, by kind. */
  readonly transient: Readonly<Record<string, number>>;
  /** Requests that were refused, by kind; older outputs do not tell. */
  readonly refused?: Readonly<Record<string, number>>;
  /** What counts against a budget, when it is more than the tokens above: calls whose end is not known count at their worst case. */
  readonly counted?: Usage;
}

export interface StoredFile {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly rows: number;
}

/** A file of an output that is no table, such as a checkpoint's; see stage-files.ts. */
export interface OutputFile {
  /** Path below the output's folder. */
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Written last; a stage output exists when its manifest does. */
export interface StageManifest extends StageAddress {
  /** Version of the code that made the rows from the calls. */
  readonly rowsVersion: number;
  readonly rows: StoredFile;
  readonly failures: StoredFile;
  readonly calls?: StoredFile;
  /** Losses on held-out conversations. */
  readonly losses?: StoredFile;
  readonly files?: readonly OutputFile[];
  readonly stats: StageStats;
  /** What a stage has to say besides its rows: scores, the mixture's arithmetic, the trainer's figures. */
  readonly detail?: unknown;
  /** The outputs that this one was made from, with their content. */
  readonly inputs: readonly { readonly address: StageAddress; readonly sha256: string }[];
  readonly createdAt: string;
  /** SHA-256 of all the rest, as canonical JSON. */
  readonly checksum: string;
}

/** Stats of a stage that calls no model, from its start to now. */
export function noCalls(startedAt: string): StageStats {
  return {
    calls: 0,
    requests: 0,
    promptTokens: 0,
    completionTokens: 0,
    modelMs: 0,
    startedAt,
    finishedAt: new Date().toISOString(),
    transient: {},
  };
}

/** File of a manifest, below its output's folder. */
export function manifestName(rowsVersion: number): string {
  return `manifest-v${rowsVersion}.json`;
}

/** A manifest with the checksum over all the rest of it. */
export function sealed(content: Omit<StageManifest, 'checksum'>): StageManifest {
  return { ...content, checksum: checksumOf(content) };
}

/** What a manifest's file holds; undefined when it is damaged. */
export function parseManifest(data: Buffer): StageManifest | undefined {
  try {
    const { checksum, ...content } = JSON.parse(data.toString('utf8')) as StageManifest;
    return checksum === checksumOf(content) ? { ...content, checksum } : undefined;
  } catch {
    return undefined; // not even JSON
  }
}

function checksumOf(content: Omit<StageManifest, 'checksum'>): string {
  return sha256(canonicalJson(JSON.parse(JSON.stringify(content))));
}
