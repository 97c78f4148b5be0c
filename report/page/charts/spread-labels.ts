/** Where labels may stand, in the units of the values. */
export interface LabelRoom {
  /** Least distance of two labels. */
  readonly gap: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Places for labels beside points on a line: as near to their values as the gap allows, in the same order. Labels that would
 * overlap share the room around the middle of their values. Where there is less room than labels, they stand evenly over all of it.
 * @returns a place for each value, in the order of `values`
 */
export function spreadLabels(values: readonly number[], { gap, low, high }: LabelRoom): number[] {
  const order = values.map((value, index) => ({ value, index })).sort((a, b) => a.value - b.value || a.index - b.index);
  const step = Math.min(gap, values.length < 2 ? gap : (high - low) / (values.length - 1));
  // Blocks of labels at one gap from each other; two that meet become one around the mean of what they label.
  const blocks: { members: typeof order; start: number }[] = [];
  for (const entry of order) {
    blocks.push({ members: [entry], start: within(entry.value, low, high) });
    for (
      let last = blocks.at(-1)!, before = blocks.at(-2);
      before !== undefined && before.start + before.members.length * step > last.start;
      last = blocks.at(-1)!, before = blocks.at(-2)
    ) {
      const members = [...before.members, ...last.members];
      const middle = members.reduce((sum, { value }, place) => sum + value - place * step, 0) / members.length;
      blocks.splice(-2, 2, { members, start: within(middle, low, high - (members.length - 1) * step) });
    }
  }
  const places = new Array<number>(values.length).fill(0);
  for (const { members, start } of blocks) members.forEach(({ index }, place) => (places[index] = start + place * step));
  return places;
}

function within(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), Math.max(low, high));
}
