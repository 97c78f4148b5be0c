/** Calls `onTimeout` once, when it has not been reset for `timeoutMs`. */
export class Watchdog {
  private timer: NodeJS.Timeout;

  constructor(
    private readonly timeoutMs: number,
    private readonly onTimeout: () => void,
  ) {
    this.timer = setTimeout(onTimeout, timeoutMs);
  }

  /** Starts the time again. */
  reset(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.onTimeout, this.timeoutMs);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
