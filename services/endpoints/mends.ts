import type { ModelFailure } from './model-errors';

type Body = Readonly<Record<string, unknown>>;

/** A way to send a request that an endpoint refuses for one field, so that it means the same. */
export interface Mend {
  /** The field, and how far it was changed: two mends with the same name are one. */
  readonly name: string;
  /** The most that the endpoint takes, where that is what was found. */
  readonly limit?: Readonly<Record<string, number>>;
  readonly apply: (body: Body) => Body;
}

/** How many alternatives are asked for when more are refused; endpoints that say no number take 5 (Fireworks, Azure) or 10. */
const FEWER_LOGPROBS: readonly number[] = [10, 5];

/** Statuses of a request that is refused for what it says. */
const REFUSALS: readonly (number | undefined)[] = [400, 422];

/**
 * What to change of a refused request without changing what it asks for; undefined where there is nothing.
 *
 * - `n` is left out: the one sample that comes back is asked for again until all are there.
 * - `top_p` is left out at 1, where it does nothing: Anthropic's models take it only without `temperature`, o-series and gpt-5 never.
 * - Fewer `top_logprobs` are asked for, as far as the endpoint's own number or down to 5; the five ratings fit.
 *
 * @param sent what was refused, in the stages' own names
 */
export function mendOf({ scope, kind, status, param, message }: ModelFailure, sent: Body): Mend | undefined {
  if (!REFUSALS.includes(status) || kind === 'context_overflow' || kind === 'content_filter' || scope === 'transient') return undefined;
  if (sent['top_p'] === 1 && (param === 'top_p' || names(message, 'top_p'))) return without('top_p', (value) => value === 1);
  if (param === 'top_logprobs' || param === 'logprobs') {
    const mend = fewerLogprobs(sent, message);
    if (mend !== undefined) return mend;
  }
  // Many endpoints say that only one candidate is possible without naming the field.
  if (typeof sent['n'] === 'number' && sent['n'] > 1 && (param === 'n' || param === undefined)) return without('n');
  return undefined;
}

/** @param where it is left out, by its value */
function without(field: string, where: (value: unknown) => boolean = () => true): Mend {
  return {
    name: `without ${field}`,
    apply: (body) => Object.fromEntries(Object.entries(body).filter(([name, value]) => name !== field || !where(value))),
  };
}

/** Chat requests say the number in `top_logprobs`, completions in `logprobs`. */
function fewerLogprobs(sent: Body, message: string): Mend | undefined {
  const field = typeof sent['top_logprobs'] === 'number' ? 'top_logprobs' : 'logprobs';
  const now = sent[field];
  if (typeof now !== 'number') return undefined;
  const stated = [...message.matchAll(/\b\d{1,2}\b/g)].map(([digits]) => Number(digits)).filter((most) => most >= 5 && most < now);
  const most = stated.length > 0 ? Math.max(...stated) : FEWER_LOGPROBS.find((fewer) => fewer < now);
  if (most === undefined) return undefined;
  return {
    name: `${field} ${most}`,
    limit: { [field]: most },
    apply: (body) => {
      const asked = body[field];
      return typeof asked === 'number' && asked > most ? { ...body, [field]: most } : body;
    },
  };
}

/** Whether an endpoint's words name a field of the request. A field's name is part of the protocol, not of the prose. */
function names(message: string, field: string): boolean {
  return new RegExp(`(?<![A-Za-z0-9_])${field}(?![A-Za-z0-9_])`).test(message);
}

/** What an endpoint is known to want otherwise; shared by all clients of it in this process. */
export class KnownMends {
  private readonly known = new Map<string, Mend>();

  get all(): Mend[] {
    return [...this.known.values()];
  }

  /** Fields with the most that the endpoint takes. */
  get limits(): Readonly<Record<string, number>> {
    return this.all.reduce((limits: Record<string, number>, { limit = {} }) => {
      for (const [field, most] of Object.entries(limit)) limits[field] = Math.min(most, limits[field] ?? most);
      return limits;
    }, {});
  }

  /** These were sent, and the endpoint has answered. */
  worked(mends: readonly Mend[]): void {
    for (const mend of mends) this.known.set(mend.name, mend);
  }
}
