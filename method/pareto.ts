/** What a choice gives and what it costs, on any two scales. */
export interface Tradeoff {
  readonly name: string;
  readonly gain: number;
  readonly cost: number;
}

/**
 * The choices that no other one beats: none gives as much for less, or more for as much. Of choices that are alike in both the
 * first one stands for all.
 * @returns by rising gain, and hence by rising cost
 */
export function paretoFront<T extends Tradeoff>(choices: readonly T[]): T[] {
  const front: T[] = [];
  // From the cheapest up: what gives no more than one that is as cheap or cheaper is beaten.
  for (const choice of [...choices].sort((a, b) => a.cost - b.cost || b.gain - a.gain)) {
    if (front.length === 0 || choice.gain > front.at(-1)!.gain) front.push(choice);
  }
  return front;
}
