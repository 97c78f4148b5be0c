import type { LatencySample } from '../../services/limits/latency-policy';
import { replyKind } from '../../services/limits/load-window';

/** A server that answers in batches, as vLLM does: each step gives every running request one token; others wait in line. */
export interface SimulatedServer {
  /** Most requests that run at once. */
  readonly batch: number;
  /** Length of a step with one request, and what each further one adds. */
  readonly stepMs: number;
  readonly stepMsPerRequest: number;
  readonly prefillSteps?: number;
  /** Tokens of the next reply; may change as the run goes on. */
  readonly tokens: (answered: number) => number;
  /** Factor on a request's time, such as a noisy network. */
  readonly noise?: () => number;
  /** Factor on the length of a step at a moment: other users of the server. */
  readonly slowdown?: (nowMs: number) => number;
}

export interface Load {
  readonly limit: () => number;
  readonly observe?: (sample: LatencySample) => void;
  readonly requests: number;
  /** Never more requests at once than this, whatever the limit. */
  readonly demand?: number;
}

interface Running {
  readonly startMs: number;
  readonly tokens: number;
  stepsLeft: number;
}

export interface SimulationResult {
  /** Until nearly all were answered: the last few stragglers say nothing of the limit. */
  readonly tokensPerSecond: number;
  /** Latency that 95 % of the last half of the requests stayed below. */
  readonly p95Ms: number;
}

const NEARLY_ALL = 0.95;

/** Sends requests as fast as the limit lets them, in simulated time. */
export function simulate(server: SimulatedServer, { limit, observe, requests, demand = Number.POSITIVE_INFINITY }: Load): SimulationResult {
  const waiting: Running[] = [];
  let running: Running[] = [];
  let delayed: { readonly atMs: number; readonly request: Running }[] = [];
  const latenciesMs: number[] = [];
  let sent = 0;
  let now = 0;
  let total = 0;
  let tokensPerSecond = 0;

  const send = (): void => {
    while (sent < requests && waiting.length + running.length + delayed.length < Math.min(demand, Math.max(1, Math.floor(limit())))) {
      const length = Math.max(1, Math.round(server.tokens(sent)));
      sent++;
      waiting.push({ startMs: now, tokens: length, stepsLeft: length + (server.prefillSteps ?? 0) });
    }
    while (waiting.length > 0 && running.length < server.batch) running.push(waiting.shift()!);
  };
  const finish = (request: Running): void => {
    total += request.tokens;
    latenciesMs.push(now - request.startMs);
    if (latenciesMs.length <= NEARLY_ALL * requests) tokensPerSecond = total / (now / 1000);
    observe?.({
      kind: replyKind(request.tokens, 600),
      startMs: request.startMs,
      endMs: now,
      inFlight: waiting.length + running.length + delayed.length + 1,
    });
  };

  for (send(); latenciesMs.length < requests; send()) {
    now += (server.stepMs + server.stepMsPerRequest * running.length) * (server.slowdown?.(now) ?? 1);
    for (const request of running) request.stepsLeft--;
    const ended = running.filter(({ stepsLeft }) => stepsLeft <= 0);
    running = running.filter(({ stepsLeft }) => stepsLeft > 0);
    for (const request of ended) {
      const late = (now - request.startMs) * ((server.noise?.() ?? 1) - 1);
      delayed.push({ atMs: now + Math.max(0, late), request });
    }
    const arrived = delayed.filter(({ atMs }) => atMs <= now);
    delayed = delayed.filter(({ atMs }) => atMs > now);
    for (const { request } of arrived) finish(request);
  }
  const lastHalf = latenciesMs.slice(requests / 2).sort((a, b) => a - b);
  return { tokensPerSecond, p95Ms: lastHalf[Math.floor(lastHalf.length * 0.95)]! };
}

/** Pseudo-random numbers in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A log-normal factor around 1. */
export function logNormal(random: () => number, sigma: number): number {
  return Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}
