/** Runs up to `size` tasks at once; each begins when the one before it has started. Its methods are for one caller at a time. */
export class Lanes {
  private running = 0;
  private waiting: { readonly below: number; readonly go: () => void } | undefined;

  constructor(private readonly size: number) {}

  /** Whether no task runs. */
  get idle(): boolean {
    return this.running === 0;
  }

  /** Returns when there is a free lane. */
  async free(): Promise<void> {
    await this.fewerThan(this.size);
  }

  /** Returns when one of the tasks that run now has ended. */
  async oneEnds(): Promise<void> {
    await this.fewerThan(this.running);
  }

  /** Returns when no task runs. */
  async allEnd(): Promise<void> {
    await this.fewerThan(1);
  }

  /** Begins a task; returns when the task calls `onStart`, or at its end. The task must not throw. */
  async run(task: (onStart: () => void) => Promise<void>): Promise<void> {
    this.running++;
    await new Promise<void>((started) => {
      void task(started).finally(() => {
        this.running--;
        started();
        if (this.waiting !== undefined && this.running < this.waiting.below) {
          const { go } = this.waiting;
          this.waiting = undefined;
          go();
        }
      });
    });
  }

  private async fewerThan(count: number): Promise<void> {
    if (this.running < count) return;
    await new Promise<void>((go) => (this.waiting = { below: count, go }));
  }
}
