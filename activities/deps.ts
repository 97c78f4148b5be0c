import type { Logger } from 'pino';
import type { EnqueuedTokens } from '../services/batches/enqueued-tokens';
import type { ReplyWatches } from '../services/batches/reply-watches';
import type { Endpoints } from '../services/endpoints/endpoints';
import type { Claims } from '../services/journal/claims';
import type { JournalStore } from '../services/journal/journal-store';
import type { ModelServers } from '../services/local/model-server';
import type { WorkerMetrics } from '../services/metrics/worker-metrics';
import type { PythonJobs } from '../services/python/python-jobs';
import type { ArtifactStore } from '../services/store/artifact-store';
import type { PlanStore } from '../services/store/plan-store';
import type { StageStore } from '../services/store/stage-store';
import type { Workspace } from '../services/store/workspace';
import type { WeightsResolver } from '../services/training/weights';

/** What the activities are given; a test hands in its own. */
export interface ActivityDeps {
  readonly store: ArtifactStore;
  readonly workspace: Workspace;
  readonly stages: StageStore;
  readonly plans: PlanStore;
  readonly journals: JournalStore;
  readonly claims: Claims;
  readonly endpoints: Endpoints;
  /** What is ordered from batch APIs, by this process. */
  readonly enqueued: EnqueuedTokens;
  readonly python: PythonJobs;
  /** Whether the environment of `python` is made on this machine; it is where this is left out. */
  readonly hasPython?: () => Promise<boolean>;
  readonly weights: WeightsResolver;
  /** Counts of unusable replies; of a process whose batches know each other. */
  readonly watches: ReplyWatches;
  readonly servers: ModelServers;
  /** Whether endpoints are asked what they take before the first paid call; not where it is left out. */
  readonly probes?: boolean;
  /** The worker's environment, for the presence of API keys. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
  /** Aborted when the worker is asked to stop: batches finish the calls in flight and give the rest back. */
  readonly draining: AbortSignal;
}
