import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelSpec } from '../../config/spec';
import type { Allowance } from '../../method/cost';
import { BatchBudget } from '../../services/batches/batch-budget';
import type { BatchItem } from '../../services/batches/batch-item';
import { EnqueuedTokens } from '../../services/batches/enqueued-tokens';
import { advanceOrders, type OrderedBatchOptions } from '../../services/batches/ordered-batch';
import { KnownMends } from '../../services/endpoints/mends';
import { createRedact } from '../../services/endpoints/secrets';
import { Journal } from '../../services/journal/journal';
import { createBatchApi } from '../../services/provider-batches/create-batch-api';
import { openOrders, OrderLedger } from '../../services/provider-batches/order-ledger';
import { LocalArtifactStore } from '../../services/store/artifact-store';
import { FakeBatches, type FakeBatchesOptions } from './fake-batches';
import { modelSpec } from './model-spec';

let root: string;
export let provider: FakeBatches;

/** Each test has a provider of its own, and a store that starts empty. */
export function useOrders(): void {
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'rehearse-test-'))));
  afterEach(async () => {
    await provider.close();
    rmSync(root, { recursive: true });
  });
}

/** What the batches are ordered with. */
export const KEY = 'a8Tq4WmZx0Rb7LpVnK2dEyHs93Uc';
const PRICE = { inputUsdPerMillion: 1_000, outputUsdPerMillion: 3_000, batchFactor: 0.5 };

/** An item whose reply is usable when it ends with `.`, up to three tries. */
function item(index: number): BatchItem<{ readonly id: string; readonly text: string }> {
  const id = `i${index}:other:0`;
  return {
    id,
    next: (exchanges) => {
      const last = exchanges.at(-1);
      if (last?.error !== undefined) {
        return {
          do: 'done',
          rows: [],
          failures: [{ stage: 'respond', id, model: 'm', reason: last.error.kind, attempts: exchanges.length }],
        };
      }
      const text = last?.reply?.choices[0]?.text ?? '';
      if (text.endsWith('.')) return { do: 'done', rows: [{ id, text }], failures: [] };
      if (exchanges.length === 3) {
        return { do: 'done', rows: [], failures: [{ stage: 'respond', id, model: 'm', reason: 'unusable', attempts: 3 }] };
      }
      return {
        do: 'call',
        request: {
          path: 'chat/completions',
          body: {
            messages: [{ role: 'user', content: `Question ${index}?` }],
            max_tokens: 64,
            temperature: 1,
            top_p: 1,
            seed: exchanges.length,
          },
          tokenEstimate: 70,
        },
      };
    },
  };
}

export interface Setting {
  readonly items?: number;
  readonly spec?: Partial<ModelSpec>;
  readonly allowance?: Allowance;
  readonly withdrawn?: boolean;
  /** Instead of the test's own folder. */
  readonly store?: string;
  readonly beforeSend?: () => Promise<void>;
}

/** One attempt, as a worker of its own would make it. */
export async function attempt({
  items = 10,
  spec: change = {},
  allowance,
  withdrawn = false,
  store = root,
  beforeSend = async () => await Promise.resolve(),
}: Setting = {}) {
  const spec = modelSpec({
    baseURL: provider.baseURL,
    model: 'm',
    mode: 'batch',
    batch: { api: provider.options.api ?? 'openai', pollSeconds: 0.05 },
    price: PRICE,
    ...change,
  });
  const signal = new AbortController().signal;
  const journal = await Journal.open(join(store, 'out/journal'));
  const ledger = new OrderLedger(new LocalArtifactStore({ root: store }), 'out');
  const budget = new BatchBudget({ journal, price: PRICE, ...(allowance === undefined ? {} : { allowance }) });
  const options: OrderedBatchOptions<{ readonly id: string }> = {
    items: Array.from({ length: items }, (_, index) => item(index)),
    api: createBatchApi({ name: 'other', spec, env: {}, signal }),
    ledger,
    journal,
    budget,
    spec,
    identity: 'm',
    known: new KnownMends(),
    redact: createRedact([KEY]),
    enqueued: new EnqueuedTokens(),
    runId: 'run',
    allowance,
    withdrawn,
    stop: signal,
    beforeSend,
  };
  try {
    const state = await advanceOrders(options);
    return { state, calls: [...journal.all()], cost: budget.cost, out: budget.inFlightCost };
  } finally {
    await journal.close();
  }
}

export async function untilDone(setting: Setting = {}, most = 60): Promise<Awaited<ReturnType<typeof attempt>>> {
  for (let attempts = 0; attempts < most; attempts++) {
    const last = await attempt(setting);
    if (last.state.isDone) return last;
    if (openOrders(last.state.orders).some(({ batch }) => batch === undefined)) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not done after ${most} looks`);
}

export async function start(options: FakeBatchesOptions): Promise<void> {
  provider = await FakeBatches.start(options);
}

export function billedUsd(): number {
  return provider.bills
    .map(({ how, prompt, completion }) => ((how === 'batch' ? 0.5 : 1) * (prompt * 1_000 + completion * 3_000)) / 1e6)
    .reduce((sum, usd) => sum + usd, 0);
}
