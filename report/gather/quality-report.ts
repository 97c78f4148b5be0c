import type { Contamination } from '../../method/quality/contamination';
import { DROP_REASONS, type DropReason, type QualityRules } from '../../method/quality/instruction-filter';
import type { Instruction } from '../../method/records';
import type { FilterRow } from '../../stages/filter';
import { excerpt, type Excerpt } from './examples';

/** A dropped instruction, shown. */
export interface DroppedExample {
  readonly instructionId: string;
  readonly text: Excerpt;
  /** What it was measured against. */
  readonly detail: string;
}

/** What one filter dropped, for one reason. */
export interface DropGroup {
  readonly reason: DropReason;
  readonly count: number;
  /** The first few, by id. */
  readonly examples: readonly DroppedExample[];
}

/** A dropped instruction and the evaluation document that it shares words in a row with. */
export interface ContaminationMatch extends Contamination {
  readonly instructionId: string;
}

/** What the filters between extraction and the first answer did. */
export interface QualityReport {
  readonly rules: QualityRules;
  readonly judged: number;
  readonly kept: number;
  /** In the order of the filters; reasons that did not occur are left out. */
  readonly dropped: readonly DropGroup[];
  /** Every match, by instruction. */
  readonly matches: readonly ContaminationMatch[];
}

const EXAMPLES_A_REASON = 3;
const EXAMPLE_CHARACTERS = 300;

/** Counts verdicts, shard by shard in order. */
export class QualityTally {
  private judged = 0;
  private kept = 0;
  private readonly groups = new Map<DropReason, { count: number; readonly examples: DroppedExample[] }>();
  private readonly matches: ContaminationMatch[] = [];

  constructor(private readonly rules: QualityRules) {}

  add(verdicts: readonly FilterRow[], instructions: readonly Instruction[]): void {
    const texts = new Map(instructions.map(({ id, text }) => [id, text]));
    for (const { instructionId, kept, reason, detail, matches = [] } of verdicts) {
      this.judged++;
      if (kept) this.kept++;
      if (reason === null) continue;
      const group = this.groups.get(reason) ?? { count: 0, examples: [] };
      this.groups.set(reason, group);
      group.count++;
      if (group.examples.length < EXAMPLES_A_REASON) {
        group.examples.push({ instructionId, text: excerpt(texts.get(instructionId) ?? '', EXAMPLE_CHARACTERS), detail: detail ?? '' });
      }
      for (const match of matches) this.matches.push({ instructionId, ...match });
    }
  }

  result(): QualityReport {
    return {
      rules: this.rules,
      judged: this.judged,
      kept: this.kept,
      matches: this.matches,
      dropped: DROP_REASONS.flatMap((reason) => {
        const group = this.groups.get(reason);
        return group === undefined ? [] : [{ reason, ...group }];
      }),
    };
  }
}
