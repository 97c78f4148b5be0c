/** Waits. @throws the signal's reason, when it is aborted first */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await new Sleepers().sleep(ms, signal);
}

/** Tasks that sleep, and that can be woken early when what they wait for may have changed. */
export class Sleepers {
  private readonly wakes = new Set<() => void>();

  /** Waits for `ms`, or until `wake` is called. @throws the signal's reason, when it is aborted first */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.wakes.delete(wake);
        signal?.removeEventListener('abort', onAbort);
      };
      const wake = (): void => {
        end();
        resolve();
      };
      const onAbort = (): void => {
        end();
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(wake, ms);
      this.wakes.add(wake);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Wakes all that sleep now. */
  wake(): void {
    for (const wake of [...this.wakes]) wake();
  }
}
