import { ReplyWatch } from './reply-watch';

/** Of each run, stage and model that this process works for. */
export class ReplyWatches {
  private readonly watches = new Map<string, ReplyWatch>();

  of(runId: string, stage: string, model: string): ReplyWatch {
    const key = JSON.stringify([runId, stage, model]);
    const watch = this.watches.get(key) ?? new ReplyWatch();
    this.watches.set(key, watch);
    return watch;
  }
}
