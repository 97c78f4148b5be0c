const UNITS: Readonly<Record<string, number>> = { KiB: 1 / 1024, MiB: 1, GiB: 1024 };

/**
 * Reads how far `uv pip sync` is from what it prints when it has no terminal: "Downloading torch (506.1MiB)" as a large
 * download starts and " Downloaded torch" as it ends.
 */
export class UvProgress {
  readonly #sizesMiB = new Map<string, number>();
  readonly #finished = new Set<string>();
  #last = 'resolving';

  /** The last of uv's own words, such as "Installed 92 packages in 3s". */
  get summary(): string {
    return this.#last;
  }

  add(line: string): { readonly message: string; readonly fraction?: number } {
    const text = line.trim();
    const started = /^Downloading (\S+) \((\d+(?:\.\d+)?)\s?([KMG]iB)\)$/.exec(text);
    const ended = /^Downloaded (\S+)$/.exec(text);
    if (started?.[1] !== undefined) this.#sizesMiB.set(started[1], Number(started[2]) * (UNITS[started[3] ?? ''] ?? 0));
    else if (ended?.[1] !== undefined) this.#finished.add(ended[1]);
    else if (/^(Resolved|Prepared|Installed|Uninstalled) /.test(text)) this.#last = text;
    const total = sum(this.#sizesMiB.values());
    if (total === 0) return { message: this.#last };
    if (this.#last.startsWith('Prepared') || this.#last.startsWith('Installed')) return { message: this.#last };
    const done = sum([...this.#finished].map((name) => this.#sizesMiB.get(name) ?? 0));
    return { message: `downloading packages, ${done.toFixed(0)} of ${total.toFixed(0)} MiB`, fraction: done / total };
  }
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
