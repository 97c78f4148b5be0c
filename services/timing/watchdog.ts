/** Calls once when nothing was heard for a while. */
export class Silence {
  private timer: NodeJS.Timeout;

  constructor(
    private readonly afterMs: number,
    private readonly tooLong: () => void,
  ) {
    this.timer = setTimeout(tooLong, afterMs);
  }

  /** Something was heard: the time begins anew. */
  broken(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.tooLong, this.afterMs);
  }

  end(): void {
    clearTimeout(this.timer);
  }
}
