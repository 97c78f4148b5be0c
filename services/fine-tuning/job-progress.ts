import type { LossRow } from '../../stages/train';
import type { FineTuningJob, FineTuningJobEvent } from './api';

/** Where a job stands, as its newest events tell. */
export interface JobProgress {
  /** Steps so far; 0 until the first is told of. */
  readonly step: number;
  /** 0 while it is not known. */
  readonly totalSteps: number;
  readonly loss: number | null;
  /** One line, such as `training, loss 0.512` or `queued at the provider`. */
  readonly note: string;
}

interface StepMetrics {
  readonly step: number;
  readonly totalSteps: number;
  readonly loss: number | null;
}

/** @param events the newest first */
export function jobProgress(job: Pick<FineTuningJob, 'status'>, events: readonly FineTuningJobEvent[]): JobProgress {
  const metrics = events.map(metricsOf).filter((each) => each !== undefined);
  const latest = metrics.reduce<StepMetrics | undefined>(
    (newest, each) => (newest === undefined || each.step > newest.step ? each : newest),
    undefined,
  );
  const { step = 0, totalSteps = 0, loss = null } = latest ?? {};
  return { step, totalSteps, loss, note: noteOf(job.status, loss, events[0]) };
}

/** The loss of each step, from all events. */
export function lossCurve(events: readonly FineTuningJobEvent[]): LossRow[] {
  const rows = new Map<number, LossRow>();
  for (const event of events) {
    const metrics = metricsOf(event);
    if (metrics?.loss != null) rows.set(metrics.step, { step: metrics.step, loss: metrics.loss, learningRate: null, gradNorm: null });
  }
  return [...rows.values()].sort((a, b) => a.step - b.step);
}

/** Steps of the whole job, as its events tell; 0 when they do not. */
export function totalSteps(events: readonly FineTuningJobEvent[]): number {
  return events.reduce((most, event) => Math.max(most, metricsOf(event)?.totalSteps ?? 0, metricsOf(event)?.step ?? 0), 0);
}

function noteOf(status: FineTuningJob['status'], loss: number | null, newest: FineTuningJobEvent | undefined): string {
  switch (status) {
    case 'validating_files':
      return 'the provider checks the training file';
    case 'queued':
      return 'queued at the provider';
    case 'running':
      // The live view counts steps of what begins with "train".
      if (loss !== null) return `training, loss ${loss.toFixed(3)}`;
      return newest === undefined ? 'running at the provider' : `at the provider: ${newest.message.replace(/\s+/g, ' ').slice(0, 120)}`;
    default:
      return status;
  }
}

/** A step's figures: events of type `metrics` carry `{step, total_steps, train_loss}`. */
function metricsOf({ type, data }: FineTuningJobEvent): StepMetrics | undefined {
  if (type !== 'metrics' || typeof data !== 'object' || data === null) return undefined;
  const { step, total_steps: total, train_loss: loss } = data as Record<string, unknown>;
  if (!isCount(step)) return undefined;
  return { step, totalSteps: isCount(total) ? total : 0, loss: typeof loss === 'number' && Number.isFinite(loss) ? loss : null };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
