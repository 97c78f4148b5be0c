import type { ModelSpec } from '../../config/spec';
import { partSharing, type LimitSharing } from '../limits/limit-sharing';
import { EndpointLimiter, type LimiterLoad } from '../limits/limiter';
import { BatchGate } from './batch-gate';
import { EndpointHealth } from './endpoint-health';
import { createEndpointTransport } from './endpoint-transport';
import { KnownMends } from './mends';
import { createModelClient, type ModelClient } from './model-client';
import { observedClient, type CallObserver } from './observed-client';
import { tracedClient, type CallTracing } from './traced-client';

/** The load of one endpoint's limiter, and whose it is. */
export interface LimiterState extends LimiterLoad {
  readonly model: string;
  /** Host of the endpoint, without its path. */
  readonly endpoint: string;
}

/** Creates model clients; all clients of one endpoint in this process share one limiter, and processes share its limits. */
export class Endpoints {
  private readonly limiters = new Map<string, EndpointLimiter>();
  private readonly healths = new Map<string, EndpointHealth>();
  private readonly mends = new Map<string, KnownMends>();
  private readonly gates = new Map<string, BatchGate>();
  private readonly transport = createEndpointTransport();

  constructor(
    private readonly env: Readonly<Record<string, string | undefined>>,
    private readonly sharing: LimitSharing = partSharing(1),
    private readonly observe?: CallObserver,
    private readonly tracing?: CallTracing,
  ) {}

  /**
   * A client for a model of a spec. Models, and runs, with the same baseURL and model share one limiter; the latest limits apply
   * from then on, also to calls that wait.
   */
  client(name: string, spec: ModelSpec): ModelClient {
    const client = createModelClient({
      name,
      spec,
      limiter: this.limiter(spec),
      health: this.health(spec),
      mends: this.mendsOf(spec),
      env: this.env,
      transport: this.transport,
    });
    const observed = this.observe === undefined ? client : observedClient(client, spec.model, this.observe);
    return this.tracing === undefined ? observed : tracedClient(observed, spec, this.tracing);
  }

  /** What each endpoint's limiter does at this moment. */
  limiterStates(): LimiterState[] {
    return [...this.limiters].map(([key, limiter]) => {
      const [baseURL, model] = JSON.parse(key) as [string, string];
      return { model, endpoint: new URL(baseURL).host, ...limiter.load };
    });
  }

  /** The gate at which batches that call a model wait until its endpoint has capacity for them. */
  gate({ baseURL, model }: ModelSpec): BatchGate {
    const key = JSON.stringify([baseURL, model]);
    const gate = this.gates.get(key) ?? new BatchGate();
    this.gates.set(key, gate);
    return gate;
  }

  private health({ baseURL, model }: ModelSpec): EndpointHealth {
    const key = JSON.stringify([baseURL, model]);
    const health = this.healths.get(key) ?? new EndpointHealth();
    this.healths.set(key, health);
    return health;
  }

  /** What the endpoint of a model is known to want otherwise. */
  mendsOf({ baseURL, model }: Pick<ModelSpec, 'baseURL' | 'model'>): KnownMends {
    const key = JSON.stringify([baseURL, model]);
    const mends = this.mends.get(key) ?? new KnownMends();
    this.mends.set(key, mends);
    return mends;
  }

  private limiter({ baseURL, model, limits }: ModelSpec): EndpointLimiter {
    const key = JSON.stringify([baseURL, model]);
    const own = this.sharing.limits(limits);
    let limiter = this.limiters.get(key);
    if (limiter === undefined) this.limiters.set(key, (limiter = new EndpointLimiter({ ...own, ...this.sharing.ties(key) })));
    else limiter.configure(own);
    return limiter;
  }

  /** Gives this process's parts of shared limits back. No client may be used after this. */
  async close(): Promise<void> {
    await Promise.all([...this.limiters.values()].map(async (limiter) => await limiter.close()));
    this.sharing.close();
  }
}
