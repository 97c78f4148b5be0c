import { evaluateStage } from '../../stages/evaluate';
import { evaluateLossStage } from '../../stages/evaluate-loss';
import { evaluateTaskStage } from '../../stages/evaluate-task';
import type { ArtifactStore } from './artifact-store';
import type { PlanStore } from './plan-store';
import type { StageStore } from './stage-store';

export interface PruneStore {
  readonly store: ArtifactStore;
  readonly stages: StageStore;
  readonly plans: PlanStore;
}

export interface PruneOptions {
  /** What was changed later stays: a run that is about to be planned may find it. */
  readonly olderThanMs: number;
  /** The oldest go first, until the store holds no more than this; without it, all go. */
  readonly keepUnderBytes?: number;
  /** Runs that count as if they were not there. */
  readonly forget?: readonly string[];
  readonly nowMs: number;
}

/** A folder or file of the store that no run needs. */
export interface Removable {
  readonly path: string;
  readonly what: 'output' | 'claim' | 'new data' | 'plan' | 'temporary file';
  readonly bytes: number;
  /** ISO 8601; of its newest file. */
  readonly changedAt: string;
}

export interface PrunePlan {
  /** Oldest first. */
  readonly remove: readonly Removable[];
  readonly removeBytes: number;
  readonly storeBytes: number;
  /** Bytes that no run needs and that stay, since they are younger or the store is small enough. */
  readonly spared: number;
  /** Why something was kept that may not be needed, a sentence each. */
  readonly notes: readonly string[];
}

/** What the runs of a store need. */
interface Needs {
  readonly plans: ReadonlySet<string>;
  /** Keys of stage outputs. */
  readonly keys: ReadonlySet<string>;
  /** SHA-256 of new data. */
  readonly newData: ReadonlySet<string>;
  /** Runs whose evaluation is not finished: which scores they need cannot be told yet. */
  readonly unfinished: readonly string[];
}

/** Folders of a store. What endpoints were found to answer (`probes`) is small, and of use to later runs. */
const TOPS = ['stages', 'claims', 'new-data', 'plans', 'runs', 'damage', 'probes'];

/** Looks for what no run of the store needs. Nothing is removed. @throws InputLostError where a plan is damaged: then nothing can be told */
export async function planPrune(opened: PruneStore, options: PruneOptions): Promise<PrunePlan> {
  const { olderThanMs, keepUnderBytes = 0, forget = [], nowMs } = options;
  const needs = await needsOf(opened, forget);
  const found = new Map<string, { what: Removable['what']; bytes: number; changedMs: number }>();
  let storeBytes = 0;
  for (const top of TOPS) {
    for await (const { path, bytes, modifiedMs } of opened.store.files(top)) {
      storeBytes += bytes;
      const unneeded = unneededPart(path, needs);
      if (unneeded === undefined) continue;
      const known = found.get(unneeded.path);
      found.set(unneeded.path, {
        what: unneeded.what,
        bytes: (known?.bytes ?? 0) + bytes,
        changedMs: Math.max(known?.changedMs ?? 0, modifiedMs),
      });
    }
  }
  const oldest = [...found].sort(([, a], [, b]) => a.changedMs - b.changedMs);
  const remove: Removable[] = [];
  let left = storeBytes;
  let spared = 0;
  for (const [path, { what, bytes, changedMs }] of oldest) {
    if (changedMs > nowMs - olderThanMs || (keepUnderBytes > 0 && left <= keepUnderBytes)) {
      spared += bytes;
      continue;
    }
    left -= bytes;
    remove.push({ path, what, bytes, changedAt: new Date(changedMs).toISOString() });
  }
  return { remove, removeBytes: storeBytes - left, storeBytes, spared, notes: notesOf(needs) };
}

const LOOK_AGAIN_AFTER = 20;

/**
 * Removes what was planned, but for what a run needs by now.
 * @returns what was removed
 */
export async function prune(opened: PruneStore, plan: PrunePlan, { forget = [] }: Pick<PruneOptions, 'forget'>): Promise<Removable[]> {
  const removed: Removable[] = [];
  for (const runId of forget) await opened.store.remove(`runs/${runId}`);
  let needs: Needs | undefined;
  for (const [index, each] of plan.remove.entries()) {
    // A run may have been planned meanwhile.
    if (needs === undefined || index % LOOK_AGAIN_AFTER === 0) needs = await needsOf(opened, forget);
    const inside = each.what === 'output' || each.what === 'claim' ? `${each.path}/` : each.path;
    if (unneededPart(inside, needs)?.path !== each.path) continue;
    await opened.store.remove(each.path);
    removed.push(each);
  }
  return removed;
}

async function needsOf({ stages, plans }: PruneStore, forget: readonly string[]): Promise<Needs> {
  const hashes = new Set<string>();
  const keys = new Set<string>();
  const newData = new Set<string>();
  const unfinished = new Set<string>();
  for (const runId of (await plans.listRuns()).filter((id) => !forget.includes(id))) {
    const record = await plans.findRun(runId);
    if (record === undefined) continue;
    hashes.add(record.plan);
    const plan = await plans.load(record.plan);
    addTexts(plan.keys, keys);
    newData.add(plan.content.newData);
    for (const variant of Object.keys(plan.keys.variants)) {
      const evaluation = await evaluationOf(stages, plan, variant);
      if (evaluation === undefined) unfinished.add(runId);
      else for (const { address } of evaluation) keys.add(address.key);
    }
  }
  return { plans: hashes, keys, newData, unfinished: [...unfinished] };
}

/** The outputs that an evaluation was made from; undefined where it is not stored. */
async function evaluationOf(stages: StageStore, plan: Parameters<typeof evaluateStage.at>[0], variant: string) {
  const manifest = await stages.latestManifest(evaluateStage.at(plan, variant).address).catch(() => undefined);
  return manifest?.inputs;
}

/** Every text in a value: the keys of a plan hold nothing else, whatever stages there are. */
function addTexts(value: unknown, texts: Set<string>): void {
  if (typeof value === 'string') texts.add(value);
  else if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) addTexts(each, texts);
}

/** Stages whose keys depend on what was trained, so that no plan tells them. */
const BY_CONTENT: readonly string[] = [evaluateTaskStage.name, evaluateLossStage.name];

/** The folder or file around a path that no run needs; undefined where one may. */
function unneededPart(path: string, { plans, keys, newData, unfinished }: Needs): Pick<Removable, 'path' | 'what'> | undefined {
  const [top, name = '', key = '', part] = path.split('/');
  if (/\.tmp-\d+-[0-9a-f]{8}$/.test(path)) return { path, what: 'temporary file' };
  if (top === 'plans') return plans.has(name.replace(/\.json$/, '')) ? undefined : { path, what: 'plan' };
  if (top === 'new-data') return newData.has(name.replace(/\.jsonl$/, '')) ? undefined : { path, what: 'new data' };
  if ((top !== 'stages' && top !== 'claims') || part === undefined || keys.has(key)) return undefined;
  if (BY_CONTENT.includes(name) && unfinished.length > 0) return undefined;
  return { path: `${top}/${name}/${key}`, what: top === 'stages' ? 'output' : 'claim' };
}

function notesOf({ unfinished }: Needs): string[] {
  if (unfinished.length === 0) return [];
  return [
    `scores of models are kept, since ${unfinished.length === 1 ? 'the run' : 'the runs'} ${unfinished.join(', ')} may still need them: not every variant is evaluated`,
  ];
}
