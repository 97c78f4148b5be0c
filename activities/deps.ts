import type { Logger } from 'pino';
import type { ArtifactStore } from '../services/artifact-store';
import type { Endpoints } from '../services/endpoints';
import type { JournalStore } from '../services/journal-store';
import type { ModelServers } from '../services/model-server';
import type { PlanStore } from '../services/plan-store';
import type { PythonJobs } from '../services/python-jobs';
import type { StageStore } from '../services/stage-store';
import type { WeightsResolver } from '../services/weights';
import type { Workspace } from '../services/workspace';

/** What the activities are given; a test hands in its own. */
export interface ActivityDeps {
  readonly store: ArtifactStore;
  readonly workspace: Workspace;
  readonly stages: StageStore;
  readonly plans: PlanStore;
  readonly journals: JournalStore;
  readonly endpoints: Endpoints;
  readonly python: PythonJobs;
  readonly weights: WeightsResolver;
  readonly servers: ModelServers;
  /** The worker's environment, for the presence of API keys. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Aborted when the worker is asked to stop: batches finish the calls in flight and give the rest back. */
  readonly draining: AbortSignal;
}
