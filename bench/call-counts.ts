/**
 * Counts how often each 64-bit hash was seen: an open-addressed table in typed arrays, since a Map of 3 million strings
 * takes some 300 MB and this takes 9 bytes a slot (72 MB at 3.1 million). Two of 3 million hashes are the same with
 * a probability of 3e-7.
 */
export class CallCounts {
  /** Different hashes. */
  distinct = 0;
  /** Times that a hash was seen after its first. */
  repeated = 0;
  private high = new Uint32Array(INITIAL_SLOTS);
  private low = new Uint32Array(INITIAL_SLOTS);
  /** 0: the slot is free. Stops at 255. */
  private times = new Uint8Array(INITIAL_SLOTS);

  /** Counts one hash; returns how often it has been seen now, up to 255. */
  add(high: number, low: number): number {
    if (this.distinct * 10 > this.times.length * 7) this.grow();
    const slot = this.slotOf(high, low);
    const before = this.times[slot]!;
    if (before === 0) {
      this.high[slot] = high;
      this.low[slot] = low;
      this.distinct++;
    } else {
      this.repeated++;
    }
    this.times[slot] = Math.min(255, before + 1);
    return this.times[slot]!;
  }

  private slotOf(high: number, low: number): number {
    const mask = this.times.length - 1;
    let slot = low & mask;
    while (this.times[slot] !== 0 && (this.low[slot] !== low || this.high[slot] !== high)) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const { high, low, times } = this;
    this.high = new Uint32Array(times.length * 2);
    this.low = new Uint32Array(times.length * 2);
    this.times = new Uint8Array(times.length * 2);
    for (let old = 0; old < times.length; old++) {
      if (times[old] === 0) continue;
      const slot = this.slotOf(high[old]!, low[old]!);
      this.high[slot] = high[old]!;
      this.low[slot] = low[old]!;
      this.times[slot] = times[old]!;
    }
  }
}

const INITIAL_SLOTS = 1 << 16;
