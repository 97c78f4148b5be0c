import { cpus } from 'node:os';
import { markdownTable } from './markdown-section';
import type { CallKind, ServedCall } from './stored-requests';
import type { TokenRate } from './token-rate';
import type { PrefixCacheCounts } from './vllm-server';

/** What one engine did for a synthesis, and by itself. */
export interface CeilingFigures {
  readonly engine: string;
  /** Of the span that was measured. */
  readonly seconds: number;
  readonly requests: number;
  readonly synthesis: TokenRate;
  /** Requests that the synthesis had in flight, on average. */
  readonly inFlight: number;
  /** Of the server by itself, while it was full. */
  readonly ceiling: TokenRate;
  /** The same over all of its time, as `vllm bench serve` says it. */
  readonly ceilingOfAll: TokenRate;
  readonly calls: readonly ServedCall[];
  /** Of the whole synthesis, as the server counts it. */
  readonly prefixCache?: PrefixCacheCounts;
}

const KINDS: Readonly<Record<CallKind, string>> = {
  extract: 'extraction',
  respond: 'responses',
  judge: 'judges: justification',
  rate: 'judges: rating behind it',
};

/** The figures as text for bench/README.md. */
export function ceilingTable(
  all: readonly CeilingFigures[],
  { instructions, concurrency }: { readonly instructions: number; readonly concurrency: number },
): string {
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}`;
  const head = `${new Date().toISOString().slice(0, 10)}, ${machine}, ${instructions} instructions of four responses, ${concurrency} requests in flight:`;
  const rates = markdownTable(
    [
      'tokens/s',
      'synthesis, written',
      'server alone, written',
      'part',
      'synthesis, read and written',
      'server alone',
      'part',
      'seconds, requests',
    ],
    all.map(({ engine, synthesis, ceiling, inFlight, seconds, requests }) => [
      engine,
      synthesis.completion.toFixed(1),
      ceiling.completion.toFixed(1),
      (synthesis.completion / ceiling.completion).toFixed(2),
      synthesis.all.toFixed(0),
      ceiling.all.toFixed(0),
      (synthesis.all / ceiling.all).toFixed(2),
      inFlight.toFixed(1),
      `${seconds.toFixed(0)}, ${requests}`,
    ]),
  );
  const kinds = Object.keys(KINDS) as CallKind[];
  const prefix = markdownTable(
    ['prompt tokens found in the prefix cache', ...kinds.map((kind) => KINDS[kind]), 'judges, both', 'all, by /metrics'],
    all.map(({ engine, calls, prefixCache }) => [
      engine,
      ...kinds.map((kind) => share(calls.filter((call) => call.kind === kind))),
      share(calls.filter(({ kind }) => kind === 'judge' || kind === 'rate')),
      prefixCache === undefined ? '-' : percent(prefixCache.found, prefixCache.asked),
    ]),
  );
  const whole = all
    .map(({ engine, ceilingOfAll }) => `${engine} ${ceilingOfAll.completion.toFixed(1)} written, ${ceilingOfAll.all.toFixed(0)} in all`)
    .join('; ');
  return `${head}\n\n${rates}\n\nOver all of its time, its beginning and end included, \`vllm bench serve\` says: ${whole}.\n\n${prefix}`;
}

function share(calls: readonly ServedCall[]): string {
  const sum = (of: (call: ServedCall) => number): number => calls.reduce((total, call) => total + of(call), 0);
  return percent(
    sum(({ cachedTokens }) => cachedTokens),
    sum(({ promptTokens }) => promptTokens),
  );
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(0)} %`;
}
