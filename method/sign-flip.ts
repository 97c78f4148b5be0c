import { hash32 } from './hash';
import { checkPaired, contributions, sum, type ComparisonOptions, type PairedTask } from './paired-tasks';
import { createRandom, type Random } from './random';

export interface SignFlipResult {
  /** Two-sided. */
  readonly p: number;
  /** Whether all outcomes were counted; otherwise some were drawn. */
  readonly exact: boolean;
}

export interface SignFlipOptions extends ComparisonOptions {
  /** Outcomes that are counted one by one at most; where there are more, `draws` of them are drawn. */
  readonly outcomes?: number;
  readonly draws?: number;
}

const OUTCOMES = 2 ** 20;
const DRAWS = 99_999;

/** Documents whose difference weighs the same: what counts is how many of them change their sign. */
interface Group {
  readonly size: number;
  readonly count: number;
}

/**
 * Paired permutation test: were it all the same which model is called the trained one, each document's difference would be as
 * likely with the other sign. p is the share of all choices of signs whose mean over tasks is at least as far from 0 as the one that was
 * seen, so with n documents it is never below 2^(1 - n). Documents that weigh the same need no telling apart, so right and wrong
 * answers are counted exactly however many they are. Where there are too many outcomes to count, `draws` are drawn and p is
 * (hits + 1) / (draws + 1), which is never 0 and never too small (Phipson and Smyth 2010).
 * Sources: Fisher (1935), chapter 3; Good (2005), Permutation, Parametric and Bootstrap Tests, chapter 3.
 *
 * @throws {MethodError} without tasks, or when a task has no documents.
 */
export function signFlipTest(
  tasks: readonly PairedTask[],
  { name, seed, outcomes = OUTCOMES, draws = DRAWS }: SignFlipOptions,
): SignFlipResult {
  checkPaired(tasks, name);
  const all = tasks.flatMap((task) => contributions(task)).filter((each) => each !== 0);
  const observed = Math.abs(sum(all));
  const groups = grouped(all.map(Math.abs));
  // Sums that are equal by right differ in their last digits by the order of adding.
  const enough = observed - 1e-11 * sum(all.map(Math.abs));
  if (groups.reduce((product, { count }) => product * (count + 1), 1) <= outcomes) {
    return { p: Math.min(1, exactShare(groups, enough)), exact: true };
  }
  const bits = bitSource(createRandom(hash32(`${seed}|sign-flip|${name}`)));
  const repeated = groups.filter(({ count }) => count > 1);
  const tables = sumTables(groups.flatMap(({ size, count }) => (count === 1 ? [size] : [])));
  let hits = 0;
  for (let draw = 0; draw < draws; draw++) {
    let total = 0;
    for (const table of tables) total += table[bits(TABLE_BITS)]!;
    for (const { size, count } of repeated) {
      let flipped = 0;
      for (let left = count; left > 0; left -= 32) flipped += bitCount(bits(Math.min(left, 32)));
      total += size * (count - 2 * flipped);
    }
    if (Math.abs(total) >= enough) hits++;
  }
  return { p: (hits + 1) / (draws + 1), exact: false };
}

const TABLE_BITS = 8;

/** Of each eight documents that weigh like no other, the sums of all choices of their signs: one look-up instead of eight additions. */
function sumTables(sizes: readonly number[]): Float64Array[] {
  return Array.from({ length: Math.ceil(sizes.length / TABLE_BITS) }, (_, part) => {
    const own = sizes.slice(part * TABLE_BITS, (part + 1) * TABLE_BITS);
    return Float64Array.from({ length: 2 ** TABLE_BITS }, (_each, signs) =>
      sum(own.map((size, index) => ((signs >>> index) & 1 ? -size : size))),
    );
  });
}

function grouped(sizes: readonly number[]): Group[] {
  const counts = new Map<number, number>();
  for (const size of sizes) counts.set(size, (counts.get(size) ?? 0) + 1);
  return [...counts].map(([size, count]) => ({ size, count }));
}

/** Probability that the sum over groups is at least `enough` from 0. */
function exactShare(groups: readonly Group[], enough: number): number {
  const chances = groups.map(({ count }) => binomialHalf(count));
  const below = (index: number, total: number, probability: number): number => {
    const group = groups[index];
    if (group === undefined) return Math.abs(total) >= enough ? probability : 0;
    const chance = chances[index]!;
    let share = 0;
    for (let flipped = 0; flipped <= group.count; flipped++) {
      share += below(index + 1, total + group.size * (group.count - 2 * flipped), probability * chance[flipped]!);
    }
    return share;
  };
  return below(0, 0, 1);
}

/** Up to here binomial coefficients are whole numbers that a double holds. */
const EXACT_COUNT = 50;

/** Chances of 0 to `count` heads in `count` throws; many throws by logarithms, since 2^-count may be too small for a number. */
function binomialHalf(count: number): Float64Array {
  if (count <= EXACT_COUNT) {
    const ways = new Float64Array(count + 1).fill(1);
    for (let heads = 1; heads <= count; heads++) ways[heads] = Math.round((ways[heads - 1]! * (count - heads + 1)) / heads);
    return ways.map((each) => each * 2 ** -count);
  }
  const logs = new Float64Array(count + 1);
  for (let heads = 1; heads <= count; heads++) logs[heads] = logs[heads - 1]! + Math.log((count - heads + 1) / heads);
  return logs.map((log) => Math.exp(log - count * Math.LN2));
}

/** Random bits, up to 32 at a time, of which none is thrown away but at the end of a word. */
function bitSource(random: Random): (count: number) => number {
  let word = 0;
  let left = 0;
  return (count) => {
    if (left < count) {
      word = random.below(2 ** 32);
      left = 32;
    }
    const taken = count === 32 ? word : word & ((1 << count) - 1);
    word = count === 32 ? 0 : word >>> count;
    left -= count;
    return taken;
  };
}

/** Ones among the 32 bits of a number. Source: Warren, Hacker's Delight, section 5-1. */
function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  bits = (bits + (bits >>> 4)) & 0x0f0f0f0f;
  return Math.imul(bits, 0x01010101) >>> 24;
}
