import type { Allowance } from '../../method/cost';
import type { Usage } from '../../method/records';
import type { ArtifactStore } from '../store/artifact-store';
import type { BatchOrder } from './api';

/** One call of an order; its place in the list is the number in its custom id. */
export interface OrderedCall {
  readonly item: string;
  readonly call: number;
  /** Hash of the request. */
  readonly request: string;
  /** The most that it can be billed. */
  readonly bound: Usage;
}

/** What is written down before a batch is ordered. */
export interface OrderIntent extends Pick<BatchOrder, 'tag' | 'path' | 'file'> {
  readonly runId: string;
  readonly atMs: number;
  /** Tokens that the provider counts as enqueued. */
  readonly tokens: number;
  readonly calls: readonly OrderedCall[];
  /** Of the attempt that ordered it. */
  readonly allowance?: Allowance;
}

/** What became of an order, once all that came back is journalled. */
export interface OrderEnd {
  /** Numbers of calls without a result: they are ordered again. */
  readonly open: readonly number[];
  /** Of those, the ones that failed in a way that may pass, with its kind. */
  readonly faults: Readonly<Record<string, string>>;
  /** Why nothing of it was done: refused, or more than the provider allows at once. */
  readonly problem?: 'refused' | 'enqueued limit';
}

export interface Order extends OrderIntent {
  /** From 1. */
  readonly number: number;
  /** The provider's id; undefined while it is not known whether it was ordered. */
  readonly batch?: string;
  /** The provider was asked to cancel it. */
  readonly cancelled: boolean;
  /** It has ended, and its results were not all there when they were first asked for. */
  readonly lackingSinceMs?: number;
  /** Undefined while it is out. */
  readonly end?: OrderEnd;
}

const NAME = /^(\d{4,})(-\w+)?\.json$/;

/**
 * The batches that were ordered for an output, in the store: what is to be ordered is written down before it is, so that whoever goes on
 * knows what may be out.
 */
export class OrderLedger {
  private readonly folder: string;

  /** @param output its folder in the store */
  constructor(
    private readonly store: ArtifactStore,
    output: string,
  ) {
    this.folder = `${output}/orders`;
  }

  /** All orders, by number. */
  async all(): Promise<Order[]> {
    const files = (await this.store.list(this.folder)).map((name) => NAME.exec(name)).filter((match) => match !== null);
    const has = new Set(files.map(([name]) => name));
    const numbers = files.filter(([, , part]) => part === undefined).map(([, digits]) => Number(digits));
    const orders = await Promise.all(
      numbers.map(async (number): Promise<Order | undefined> => {
        const intent = await this.read<OrderIntent>(number);
        if (intent === undefined) return undefined;
        const optional = async <T>(part: Part): Promise<T | undefined> =>
          has.has(nameOf(number, part)) ? await this.read<T>(number, part) : undefined;
        const sent = await optional<{ readonly batch: string }>('-sent');
        const lacking = await optional<{ readonly sinceMs: number }>('-lacking');
        const end = await optional<OrderEnd>('-end');
        return {
          ...intent,
          number,
          cancelled: has.has(nameOf(number, '-cancel')),
          ...(sent === undefined ? {} : { batch: sent.batch }),
          ...(lacking === undefined ? {} : { lackingSinceMs: lacking.sinceMs }),
          ...(end === undefined ? {} : { end }),
        };
      }),
    );
    return orders.filter((order) => order !== undefined).sort((a, b) => a.number - b.number);
  }

  /** Writes down what is about to be ordered; undefined when somebody else took this number. */
  async begin(number: number, intent: OrderIntent): Promise<Order | undefined> {
    return (await this.store.create(this.path(number), JSON.stringify(intent))) ? { ...intent, number, cancelled: false } : undefined;
  }

  /** It was ordered. The provider's id is known to all who share the store: see {@link tagOf}. */
  async sent(order: Order, batch: string): Promise<Order> {
    await this.store.write(this.path(order.number, '-sent'), JSON.stringify({ batch }));
    if (order.file === null) await this.store.write(tagPath(batch), order.tag);
    return { ...order, batch };
  }

  async cancelled(order: Order): Promise<Order> {
    await this.store.write(this.path(order.number, '-cancel'), '{}');
    return { ...order, cancelled: true };
  }

  /** Its results are not all there: from now on they are waited for. */
  async lacking(order: Order): Promise<Order> {
    const sinceMs = Date.now();
    await this.store.write(this.path(order.number, '-lacking'), JSON.stringify({ sinceMs }));
    return { ...order, lackingSinceMs: sinceMs };
  }

  async end(order: Order, end: OrderEnd): Promise<Order> {
    await this.store.write(this.path(order.number, '-end'), JSON.stringify(end));
    return { ...order, end };
  }

  /** Whose batch this is, of orders that have no file: a tag, or undefined where nobody has said so. */
  async tagOf(batch: string): Promise<string | undefined> {
    return (await this.store.read(tagPath(batch)))?.toString('utf8');
  }

  /** The output is finished. */
  async drop(): Promise<void> {
    for (const { batch, file } of await this.all()) if (file === null && batch !== undefined) await this.store.remove(tagPath(batch));
    await this.store.remove(this.folder);
  }

  private path(number: number, part: Part = ''): string {
    return `${this.folder}/${nameOf(number, part)}`;
  }

  private async read<T>(number: number, part: Part = ''): Promise<T | undefined> {
    const data = await this.store.read(this.path(number, part));
    return data === undefined ? undefined : (JSON.parse(data.toString('utf8')) as T);
  }
}

type Part = '' | '-sent' | '-cancel' | '-lacking' | '-end';

function nameOf(number: number, part: Part): string {
  return `${String(number).padStart(4, '0')}${part}.json`;
}

/** Ids of providers are theirs: no path of ours may come of them. */
function tagPath(batch: string): string {
  return `claims/provider-batches/${Buffer.from(batch).toString('base64url')}`;
}

/** Orders that are out, or may be. */
export function openOrders(orders: readonly Order[]): Order[] {
  return orders.filter(({ end }) => end === undefined);
}
