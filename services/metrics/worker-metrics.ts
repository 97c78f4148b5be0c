import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Allowance, Cost } from '../../method/cost';
import type { Usage } from '../../method/records';
import type { LimiterState } from '../endpoints/endpoints';
import type { CallObserver } from '../endpoints/observed-client';

/** A batch in the making: what it may cost, and what it has. */
export interface OpenBatch {
  readonly stage: string;
  readonly model: string;
  readonly allowance: Allowance | undefined;
  readonly cost: () => Cost;
}

/** A training in the making, as its trainer last told of it. */
export interface TrainingStep {
  readonly workflow: string;
  readonly loss?: number;
  readonly tokensPerSecond?: number;
  readonly done: number;
  readonly total: number;
}

/** What a worker process tells a Prometheus server. Names begin with `rehearse_`; docs/operations.md lists them. */
export interface WorkerMetrics {
  readonly callEnded: CallObserver;
  /** Tokens that count as spent, and their dollars. */
  spent(model: string, usage: Usage, usd: number): void;
  /** Until the returned function is called. */
  batchOpened(batch: OpenBatch): () => void;
  activityFailed(activity: string, type: string): void;
  /** `journal_line` is a damaged line of a journal, `calls_file` a damaged file of calls; else the class of the error. */
  storeFault(kind: string, count?: number): void;
  trainingStep(step: TrainingStep): void;
  trainingEnded(workflow: string): void;
  /** Where the limiters' state is read from, at each scrape. */
  readLimiters(read: () => readonly LimiterState[]): void;
  /** In Prometheus' text format. */
  text(): Promise<string>;
  /** Names of all metrics of this kind of process. */
  names(): string[];
}

/** Seconds; replies of large models take minutes. */
const CALL_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 600];

/** Metrics of a registry of their own; nothing is shared between two of them. @param release of this package */
export function createWorkerMetrics(release: string): WorkerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: 'rehearse_' });
  new Gauge({ name: 'rehearse_build_info', help: 'Always 1; the release as a label.', labelNames: ['release'], registers }).set(
    { release },
    1,
  );
  const calls = new Counter({
    name: 'rehearse_calls_total',
    help: 'Tries of model calls that ended, by how: answered, or the kind of their failure.',
    labelNames: ['model', 'outcome'],
    registers,
  });
  const callSeconds = new Histogram({
    name: 'rehearse_call_duration_seconds',
    help: 'How long answered model calls took.',
    labelNames: ['model'],
    buckets: CALL_BUCKETS,
    registers,
  });
  const tokens = new Counter({
    name: 'rehearse_tokens_total',
    help: 'Tokens that count as spent, of calls that this process made.',
    labelNames: ['model', 'direction'],
    registers,
  });
  const dollars = new Counter({
    name: 'rehearse_spent_dollars_total',
    help: "Dollars for these tokens, at the spec's prices.",
    labelNames: ['model'],
    registers,
  });
  const failures = new Counter({
    name: 'rehearse_activity_failures_total',
    help: 'Attempts of activities that failed, by the type of their failure.',
    labelNames: ['activity', 'type'],
    registers,
  });
  const faults = new Counter({
    name: 'rehearse_store_faults_total',
    help: 'Faults of the store and of journals, by kind.',
    labelNames: ['kind'],
    registers,
  });
  const loss = new Gauge({ name: 'rehearse_train_loss', help: 'Last loss of a training.', labelNames: ['workflow'], registers });
  const rate = new Gauge({
    name: 'rehearse_train_tokens_per_second',
    help: 'Tokens that a training reads in a second.',
    labelNames: ['workflow'],
    registers,
  });
  const part = new Gauge({
    name: 'rehearse_train_progress_ratio',
    help: 'Part of its steps that a training has done, 0 to 1.',
    labelNames: ['workflow'],
    registers,
  });
  const batches = trackBatches(registers);
  const limiters = trackLimiters(registers);

  return {
    callEnded({ model, outcome, seconds }) {
      calls.inc({ model, outcome });
      if (seconds !== undefined) callSeconds.observe({ model }, seconds);
    },
    spent(model, { promptTokens, completionTokens }, usd) {
      tokens.inc({ model, direction: 'prompt' }, promptTokens);
      tokens.inc({ model, direction: 'completion' }, completionTokens);
      dollars.inc({ model }, usd);
    },
    batchOpened: batches,
    activityFailed: (activity, type) => failures.inc({ activity, type }),
    storeFault: (kind, count = 1) => faults.inc({ kind }, count),
    trainingStep({ workflow, loss: value, tokensPerSecond, done, total }) {
      if (value !== undefined) loss.set({ workflow }, value);
      if (tokensPerSecond !== undefined) rate.set({ workflow }, tokensPerSecond);
      if (total > 0) part.set({ workflow }, done / total);
    },
    trainingEnded(workflow) {
      for (const gauge of [loss, rate, part]) gauge.remove({ workflow });
    },
    readLimiters: limiters,
    text: async () => await registry.metrics(),
    names: () => registry.getMetricsAsArray().map(({ name }) => name),
  };
}

function trackBatches(registers: Registry[]): WorkerMetrics['batchOpened'] {
  const open = new Set<OpenBatch>();
  new Gauge({
    name: 'rehearse_batches_open',
    help: 'Batches of model calls in work.',
    labelNames: ['stage', 'model'],
    registers,
    collect() {
      this.reset();
      for (const { stage, model } of open) this.inc({ stage, model });
    },
  });
  new Gauge({
    name: 'rehearse_batch_allowance_left_dollars',
    help: 'What the open batches with a budget in dollars may still spend.',
    labelNames: ['model'],
    registers,
    collect() {
      this.reset();
      for (const { model, allowance, cost } of open) {
        if (allowance?.usd !== undefined) this.inc({ model }, Math.max(0, allowance.usd - cost().usd));
      }
    },
  });
  return (batch) => {
    open.add(batch);
    return () => void open.delete(batch);
  };
}

const LIMITER_GAUGES = [
  ['rehearse_limiter_in_flight', 'Requests in flight.', ({ inFlight }: LimiterState) => inFlight],
  ['rehearse_limiter_waiting', 'Batches that wait for a permit.', ({ waiting }: LimiterState) => waiting],
  ['rehearse_limiter_concurrency', 'Requests that may be in flight now.', ({ concurrency }: LimiterState) => concurrency],
  [
    'rehearse_limiter_closed_seconds',
    'How much longer the endpoint has asked to wait.',
    ({ closedForMs }: LimiterState) => Math.max(0, closedForMs) / 1000,
  ],
] as const;

function trackLimiters(registers: Registry[]): WorkerMetrics['readLimiters'] {
  let read: () => readonly LimiterState[] = () => [];
  for (const [name, help, value] of LIMITER_GAUGES) {
    new Gauge({
      name,
      help,
      labelNames: ['model', 'endpoint'],
      registers,
      collect() {
        this.reset();
        for (const state of read()) this.set({ model: state.model, endpoint: state.endpoint }, value(state));
      },
    });
  }
  return (reader) => {
    read = reader;
  };
}
