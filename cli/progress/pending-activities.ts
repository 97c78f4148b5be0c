import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { queueOfActivity } from '../../contract/activities';
import type { HeartbeatDetails } from '../../contract/progress';
import type { ActivityQueue } from '../../contract/task-queues';
import { oneLine } from '../terminal/output';

/** An activity that has not ended. */
export interface PendingActivity {
  readonly workflowId: string;
  readonly type: string;
  /** Undefined for an activity of another release, which this one does not know. */
  readonly queue: ActivityQueue | undefined;
  /** From 1. */
  readonly attempt: number;
  /** Why the attempt before this one failed. */
  readonly lastFailure?: string;
  /** Whether a worker has it in work. */
  readonly running: boolean;
  /** Waiting for a worker since then; absent while it runs or backs off. */
  readonly waitingSinceMs?: number;
  readonly heartbeat?: HeartbeatDetails;
}

type Info = temporal.api.workflow.v1.IPendingActivityInfo;

/** The pending activities of one workflow, from its description; heartbeats go through the client's data converter. */
export async function readPendingActivities(client: Client, workflowId: string, infos: readonly Info[]): Promise<PendingActivity[]> {
  return await Promise.all(
    infos.map(async (info): Promise<PendingActivity> => {
      const type = info.activityType?.name ?? 'activity';
      const attempt = info.attempt ?? 1;
      const heartbeat = await readHeartbeat(client, info);
      const { PENDING_ACTIVITY_STATE_SCHEDULED, PENDING_ACTIVITY_STATE_STARTED } = temporal.api.enums.v1.PendingActivityState;
      const waiting = info.state === PENDING_ACTIVITY_STATE_SCHEDULED && attempt <= 1;
      const failure = info.lastFailure;
      return {
        workflowId,
        type,
        queue: queueOfActivity(type),
        attempt,
        running: info.state === PENDING_ACTIVITY_STATE_STARTED,
        ...(failure?.message && !isBenign(failure) ? { lastFailure: oneLine(sentenceOf(failure), 300) } : {}),
        ...(waiting && info.scheduledTime?.seconds != null ? { waitingSinceMs: Number(info.scheduledTime.seconds) * 1000 } : {}),
        ...(heartbeat === undefined ? {} : { heartbeat }),
      };
    }),
  );
}

/** A failure by design, such as a poll's that has found nothing new. */
function isBenign({ applicationFailureInfo }: temporal.api.failure.v1.IFailure): boolean {
  return applicationFailureInfo?.category === temporal.api.enums.v1.ApplicationErrorCategory.APPLICATION_ERROR_CATEGORY_BENIGN;
}

/** A timeout says only that it was one; its cause, where there is one, says what the attempt was stuck on. */
function sentenceOf(failure: temporal.api.failure.v1.IFailure): string {
  const cause = failure.applicationFailureInfo == null ? failure.cause?.message : undefined;
  return cause ? `${failure.message ?? ''}: ${cause}` : (failure.message ?? '');
}

async function readHeartbeat(client: Client, info: Info): Promise<HeartbeatDetails | undefined> {
  let payloads = info.heartbeatDetails?.payloads ?? [];
  if (payloads.length === 0) return undefined;
  const { payloadCodecs, payloadConverter } = client.options.loadedDataConverter;
  try {
    for (const codec of [...payloadCodecs].reverse()) payloads = await codec.decode(payloads);
    const payload = payloads[0];
    return payload === undefined ? undefined : asHeartbeat(payloadConverter.fromPayload(payload));
  } catch {
    return undefined; // numbers that cannot be read are not shown; the activity itself is not affected
  }
}

const COUNTS = ['done', 'total', 'failed', 'promptTokens', 'completionTokens'] as const;

function asHeartbeat(value: unknown): HeartbeatDetails | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const details = value as Partial<Record<keyof HeartbeatDetails, unknown>>;
  const { cost, errors } = details as Partial<HeartbeatDetails>;
  if (!Number.isFinite(cost?.usd) || typeof errors !== 'object') return undefined; // of an older worker
  const whole =
    typeof details.stage === 'string' && typeof details.model === 'string' && COUNTS.every((name) => Number.isFinite(details[name]));
  return whole ? (value as HeartbeatDetails) : undefined;
}
