import { reasonWords } from '../../method/failure-reason';
import type { Failure, FailureStage } from '../../method/records';
import { byStageOrder } from '../../stages/chain';

/** Items that one stage could not make, for one reason. */
export interface FailureGroup {
  readonly stage: FailureStage;
  /** The reason's fixed words. */
  readonly reason: string;
  readonly count: number;
  /** Names of the models at which it happened, with their counts; empty where no model was called. */
  readonly models: Readonly<Record<string, number>>;
  /** One reason as it was written, where it says more than `reason`. */
  readonly example: string | null;
  /** The first few ids, in order. */
  readonly ids: readonly string[];
}

const IDS_SHOWN = 5;
/** More kinds than this are an endpoint's free text; the rest is counted together. */
const REASONS_A_STAGE = 40;
const OTHER_REASONS = 'other reasons';

interface Group {
  readonly stage: FailureStage;
  readonly reason: string;
  count: number;
  readonly models: Map<string, number>;
  readonly example: string;
  ids: string[];
}

/** Counts failures by stage and reason, and keeps a few ids of each. */
export class FailureTally {
  private readonly groups = new Map<string, Group>();

  add(failures: readonly Failure[]): void {
    for (const failure of failures) {
      const group = this.groupFor(failure);
      group.count++;
      if (failure.model !== null) group.models.set(failure.model, (group.models.get(failure.model) ?? 0) + 1);
      // Parts arrive in order of their ids per model, not over all models, so the first few are sorted here.
      if (group.ids.length < IDS_SHOWN || failure.id < group.ids.at(-1)!) group.ids = [...group.ids, failure.id].sort().slice(0, IDS_SHOWN);
    }
  }

  /** Groups in the order of the stages, the most frequent reason of each first. */
  result(): FailureGroup[] {
    return [...this.groups.values()]
      .sort((a, b) => byStageOrder(a.stage, b.stage) || b.count - a.count || (a.reason < b.reason ? -1 : 1))
      .map(({ stage, reason, count, models, example, ids }) => ({
        stage,
        reason,
        count,
        models: Object.fromEntries([...models].sort(([a], [b]) => (a < b ? -1 : 1))),
        example: example === reason ? null : example,
        ids,
      }));
  }

  private groupFor({ stage, reason: text }: Failure): Group {
    const known = this.groups.get(`${stage}\n${reasonWords(text)}`);
    if (known !== undefined) return known;
    const full = [...this.groups.values()].filter((group) => group.stage === stage).length >= REASONS_A_STAGE;
    const reason = full ? OTHER_REASONS : reasonWords(text);
    const key = `${stage}\n${reason}`;
    const existing = this.groups.get(key);
    if (existing !== undefined) return existing;
    const group: Group = { stage, reason, count: 0, models: new Map(), example: text, ids: [] };
    this.groups.set(key, group);
    return group;
  }
}
