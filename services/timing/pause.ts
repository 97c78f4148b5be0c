/** Waits, or throws the signal's reason when it is aborted first. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await new Pause().sleep(ms, signal);
}

/** Sleepers that can be woken before their time, when what they wait for may have changed. */
export class Pause {
  private readonly sleepers = new Set<() => void>();

  /** @throws the signal's reason, when it is aborted first */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.sleepers.delete(wake);
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
      this.sleepers.add(wake);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  wake(): void {
    for (const wake of [...this.sleepers]) wake();
  }
}
