import { createHash, type Hash } from 'node:crypto';
import type { RunSpec } from '../../config/spec';
import { usdOf, type Price } from '../../planning/price';
import type { StageManifest } from '../../services/store/stage-store';
import { callsModels } from '../../stages/chain';

/** Outputs of one stage that share a key: one model's work on all shards, or a whole stage. */
export interface StageGroup {
  readonly stage: string;
  /** The model at work, the variant that is evaluated, or empty. */
  readonly model: string;
  /** Whose responses a judge scores. */
  readonly generator?: string;
  readonly key: string;
}

/** What a stage did with one model. */
export interface StageUsage {
  readonly stage: string;
  readonly model: string;
  readonly parts: { readonly done: number; readonly planned: number };
  readonly rows: number;
  readonly lost: number;
  readonly calls: number;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Sum of the requests' durations. */
  readonly modelMs: number;
  /** From the first start to the last finish. */
  readonly wallMs: number;
  /** Time in which at least one part was at work: pauses between parts left out. */
  readonly activeMs: number;
  /** As `status` and budgets count: a call whose end is not known counts at its worst case. Null where the spec names no price, or no model is called. */
  readonly usd: number | null;
  /** Faults that were retried, by kind. */
  readonly transient: Readonly<Record<string, number>>;
}

/** What determined a group of outputs, and what they hold. */
export interface Provenance extends StageGroup {
  readonly parts: { readonly done: number; readonly planned: number };
  readonly rows: number;
  readonly bytes: number;
  /** Of the model calls that made the rows; 0 where none did. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** As in {@link StageUsage}. */
  readonly usd: number | null;
  /** SHA-256 of the rows' file; of several parts, over their hashes in order. */
  readonly sha256: string | null;
  readonly rowsVersions: readonly number[];
  /** Parts that an earlier start had made. */
  readonly reused: number;
  /** Parts made from inputs, or by a version of the code, that are no longer the current ones. */
  readonly outdated: number;
}

interface Account {
  readonly group: StageGroup;
  planned: number;
  done: number;
  rows: number;
  bytes: number;
  promptTokens: number;
  completionTokens: number;
  usd: number | null;
  reused: number;
  outdated: number;
  readonly versions: Set<number>;
  readonly hash: Hash;
  onlyHash: string | null;
}

interface Work {
  readonly stage: string;
  readonly model: string;
  planned: number;
  done: number;
  rows: number;
  lost: number;
  calls: number;
  requests: number;
  promptTokens: number;
  completionTokens: number;
  usd: number | null;
  modelMs: number;
  readonly spans: [number, number][];
  readonly transient: Map<string, number>;
}

/** Adds up the manifests of a run, one at a time. */
export class StageLedger {
  private readonly accounts = new Map<string, Account>();
  private readonly work = new Map<string, Work>();

  constructor(private readonly options: { readonly models: RunSpec['models']; readonly startedAt: string }) {}

  /** Counts one planned part; `manifest` is undefined while it is not made. */
  add(group: StageGroup, manifest: StageManifest | undefined, outdated: boolean): void {
    const account = this.accountOf(group);
    const work = this.workOf(group);
    account.planned++;
    work.planned++;
    if (manifest === undefined) return;
    const { rows, failures, stats } = manifest;
    account.done++;
    account.rows += rows.rows;
    account.bytes += rows.bytes + failures.bytes + (manifest.calls?.bytes ?? 0);
    account.promptTokens += stats.promptTokens;
    account.completionTokens += stats.completionTokens;
    account.usd = this.plusDollars(account.usd, group, stats);
    if (manifest.createdAt < this.options.startedAt) account.reused++;
    if (outdated) account.outdated++;
    account.versions.add(manifest.rowsVersion);
    account.hash.update(`${rows.sha256}\n`);
    account.onlyHash = rows.sha256;
    work.done++;
    work.rows += rows.rows;
    work.lost += failures.rows;
    work.calls += stats.calls;
    work.requests += stats.requests;
    work.promptTokens += stats.promptTokens;
    work.completionTokens += stats.completionTokens;
    work.usd = this.plusDollars(work.usd, group, stats);
    work.modelMs += stats.modelMs;
    work.spans.push([Date.parse(stats.startedAt), Date.parse(stats.finishedAt)]);
    for (const [kind, count] of Object.entries(stats.transient)) work.transient.set(kind, (work.transient.get(kind) ?? 0) + count);
  }

  /** A row a stage and model, in the order in which they were first added. */
  usage(): StageUsage[] {
    return [...this.work.values()].map(({ planned, done, spans, transient, ...sums }) => ({
      ...sums,
      parts: { done, planned },
      ...durations(spans),
      transient: Object.fromEntries(transient),
    }));
  }

  /** Time in which anything at all was at work. */
  activeMs(): number {
    return durations([...this.work.values()].flatMap(({ spans }) => spans)).activeMs;
  }

  provenance(): Provenance[] {
    return [...this.accounts.values()].map(
      ({ group, planned, done, rows, bytes, promptTokens, completionTokens, usd, reused, outdated, versions, hash, onlyHash }) => ({
        ...group,
        parts: { done, planned },
        rows,
        bytes,
        promptTokens,
        completionTokens,
        usd,
        reused,
        outdated,
        sha256: done > 1 ? hash.copy().digest('hex') : onlyHash,
        rowsVersions: [...versions].sort((a, b) => a - b),
      }),
    );
  }

  private plusDollars(sum: number | null, group: StageGroup, stats: StageManifest['stats']): number | null {
    const price = this.priceOf(group);
    return sum === null || price === undefined ? null : sum + usdOf(stats.counted ?? stats, price);
  }

  private priceOf({ stage, model }: StageGroup): Price | undefined {
    return callsModels(stage) ? this.options.models[model]?.price : undefined;
  }

  private noDollars(group: StageGroup): number | null {
    return this.priceOf(group) === undefined ? null : 0;
  }

  private accountOf(group: StageGroup): Account {
    const name = [group.stage, group.model, group.generator ?? ''].join('\n');
    let account = this.accounts.get(name);
    if (account === undefined) {
      account = {
        group,
        planned: 0,
        done: 0,
        rows: 0,
        bytes: 0,
        promptTokens: 0,
        completionTokens: 0,
        usd: this.noDollars(group),
        reused: 0,
        outdated: 0,
        versions: new Set(),
        hash: createHash('sha256'),
        onlyHash: null,
      };
      this.accounts.set(name, account);
    }
    return account;
  }

  private workOf(group: StageGroup): Work {
    const { stage, model } = group;
    const name = `${stage}\n${model}`;
    let work = this.work.get(name);
    if (work === undefined) {
      work = {
        stage,
        model,
        planned: 0,
        done: 0,
        rows: 0,
        lost: 0,
        calls: 0,
        requests: 0,
        promptTokens: 0,
        completionTokens: 0,
        usd: this.noDollars(group),
        modelMs: 0,
        spans: [],
        transient: new Map(),
      };
      this.work.set(name, work);
    }
    return work;
  }
}

function durations(spans: readonly [number, number][]): Pick<StageUsage, 'wallMs' | 'activeMs'> {
  let activeMs = 0;
  let first = Number.POSITIVE_INFINITY;
  let end = Number.NEGATIVE_INFINITY;
  for (const [start, finish] of [...spans].sort(([a], [b]) => a - b)) {
    activeMs += Math.max(0, finish - Math.max(start, end));
    first = Math.min(first, start);
    end = Math.max(end, finish);
  }
  return { activeMs, wallMs: spans.length === 0 ? 0 : end - first };
}
