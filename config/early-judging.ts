import type { RunSpec } from './spec';
import type { Finding } from './spec-errors';
import { variantsOf } from './variants';

/** How a spec has responses left out that can no longer win. */
export interface EarlyJudging {
  /** All judges: the first scores every response, each later one what can still win. */
  readonly order: readonly string[];
  /** Share of the instructions that every judge scores in full. */
  readonly auditShare: number;
  /** Judges that are asked in rounds, the best prospects first; without them, one generator after the other by every judge but the first. */
  readonly inRounds?: readonly string[];
}

/** A judgment reads about so many tokens for each that it writes; only to rank prices. */
const PROMPT_TO_COMPLETION = 8;

/** Undefined where every judge scores every response. */
export function earlyJudging(spec: RunSpec): EarlyJudging | undefined {
  const { skip, order: given, judges, auditShare, rounds } = spec.synthesis.judge;
  if (skip !== 'cannot-win' || judges.length < 2) return undefined;
  const order = given ?? defaultOrder(spec);
  return { order, auditShare, ...(rounds === 'prospects' ? { inRounds: order.filter((name) => mayLeaveOut(order, name)) } : {}) };
}

/** Judges that are shown what the judges before them leave to decide; the others are shown everything. */
export function laterJudges({ order, inRounds }: EarlyJudging): readonly string[] {
  return inRounds ?? order.slice(1);
}

/**
 * Whether a judge can leave anything out at all: on a scale from 1 to 5 only where the judges before it, and its own score of another
 * response, outweigh those still to come.
 */
export function mayLeaveOut(order: readonly string[], judge: string): boolean {
  return 2 * order.indexOf(judge) > order.length - 1;
}

/** Dearest last; the target's own judge first where a row of the table needs all its scores. */
function defaultOrder(spec: RunSpec): string[] {
  const first = ownJudge(spec);
  return [...spec.synthesis.judge.judges].sort(
    (a, b) => Number(b === first) - Number(a === first) || dearness(spec, a) - dearness(spec, b),
  );
}

function dearness({ models }: RunSpec, name: string): number {
  const { inputUsdPerMillion = 0, outputUsdPerMillion = 0 } = models[name]?.price ?? {};
  return PROMPT_TO_COMPLETION * inputUsdPerMillion + outputUsdPerMillion;
}

/** The judge whose scores of all the target's responses a row of the table is made from. */
function ownJudge(spec: RunSpec): string | undefined {
  return variantsOf(spec).some(({ replay }) => replay?.kind === 'target-best') ? spec.target.model : undefined;
}

/** An order that is none of the judges, or that leaves a row of the table without its scores. */
export function judgeOrderProblems(spec: RunSpec): Finding[] {
  const { order, judges, skip } = spec.synthesis.judge;
  if (order === undefined) return [];
  const at = ['synthesis', 'judge', 'order'];
  const value = order.join(', ');
  if (order.length !== judges.length || new Set(order).size !== order.length || order.some((name) => !judges.includes(name))) {
    return [
      { at, value, expected: `each of the judges once (${judges.join(', ')})`, hint: 'list them, the dearest last, or leave it out' },
    ];
  }
  const first = ownJudge(spec);
  if (skip === 'cannot-win' && first !== undefined && judges.includes(first) && order[0] !== first) {
    return [
      {
        at,
        value,
        expected: `${first} first, since the row target-best needs its scores of all responses`,
        hint: 'put it first, or leave the order out',
      },
    ];
  }
  return [];
}
