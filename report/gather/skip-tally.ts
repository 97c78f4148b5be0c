import type { EarlyJudging } from '../../config/early-judging';
import { isAudited } from '../../method/early-judging';
import type { Judgment } from '../../method/records';
import { isSkipped } from '../../method/skipped';

/** What was not asked, since it could not change the winner. */
export interface SkipReport {
  /** In the order in which the judges were asked. */
  readonly judges: readonly { readonly judge: string; readonly judgments: number; readonly skipped: number }[];
  readonly skipped: number;
  /** Kept instructions of which some judgment was skipped: a missing score of it would have lost them under `complete`. */
  readonly keptWithSkipped: number;
  /** Instructions that were judged in full, drawn at random; agreement and self-preference are theirs. */
  readonly audited: number;
  readonly auditShare: number;
}

/** Counts what early judging left out. */
export class SkipTally {
  private readonly byJudge: Map<string, { judgments: number; skipped: number }>;
  private keptWithSkipped = 0;
  private audited = 0;

  constructor(
    private readonly early: EarlyJudging,
    private readonly seed: number,
  ) {
    this.byJudge = new Map(early.order.map((judge) => [judge, { judgments: 0, skipped: 0 }]));
  }

  /** The judgments of one instruction. @returns whether it is one of the random sample that was judged in full */
  add(instructionId: string, judgments: readonly Judgment[], isKept: boolean): boolean {
    for (const judgment of judgments) {
      const tally = this.byJudge.get(judgment.judge);
      if (tally === undefined) continue;
      tally.judgments++;
      if (isSkipped(judgment)) tally.skipped++;
    }
    if (isKept && judgments.some(isSkipped)) this.keptWithSkipped++;
    const audited = isAudited(instructionId, { seed: this.seed, share: this.early.auditShare });
    if (audited) this.audited++;
    return audited;
  }

  get skipped(): number {
    return [...this.byJudge.values()].reduce((sum, { skipped }) => sum + skipped, 0);
  }

  result(): SkipReport {
    const { keptWithSkipped, audited, skipped } = this;
    return {
      judges: [...this.byJudge].map(([judge, counts]) => ({ judge, ...counts })),
      skipped,
      keptWithSkipped,
      audited,
      auditShare: this.early.auditShare,
    };
  }
}
