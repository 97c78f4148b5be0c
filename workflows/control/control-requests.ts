import type { ModelLimits } from '../../config/spec';
import type { BudgetSetting, LimitsByModel } from '../../contract/run-settings';
import type { Allowance } from '../../method/cost';

/** The part of a spec's model that its limits depend on. Not validated yet when an Update comes early. */
interface Endpoint {
  readonly baseURL?: string;
  readonly model?: string;
}

const MAX_REASON = 500;
const MAX_CONCURRENCY = 10_000;

/** Which limits there are, and whether one may be lifted. */
const LIMITS: Readonly<Record<keyof ModelLimits, { readonly canLift: boolean; readonly most: number }>> = {
  concurrency: { canLift: false, most: MAX_CONCURRENCY },
  requestsPerMinute: { canLift: true, most: Number.MAX_SAFE_INTEGER },
  tokensPerMinute: { canLift: true, most: Number.MAX_SAFE_INTEGER },
};

/** Checks what a pause is requested with. @throws Error with one sentence when the reason is not a text, or too long */
export function checkPause(request: { readonly reason?: unknown } = {}): void {
  const { reason } = request ?? {};
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > MAX_REASON)) {
    throw new Error(`reason must be a text of at most ${MAX_REASON} characters; shorten it or leave it out`);
  }
}

/**
 * Checks new limits. They come from people and scripts, so nothing of them is checked yet.
 * @throws Error with one sentence that names the model, the field and the value
 */
export function checkLimits(request: unknown, models: Readonly<Record<string, Endpoint>>): void {
  if (!isRecord(request) || Object.keys(request).length === 0) {
    throw new Error('setLimits needs an object of limits by model, such as {"gpt-4": {"concurrency": 16}}');
  }
  for (const [name, limits] of Object.entries(request)) {
    if (!Object.hasOwn(models, name)) throw new Error(`the run has no model "${name}"; its models are ${Object.keys(models).join(', ')}`);
    if (!isRecord(limits) || Object.keys(limits).length === 0) {
      throw new Error(`${name}: name at least one of ${Object.keys(LIMITS).join(', ')}`);
    }
    for (const [field, value] of Object.entries(limits)) checkLimit(name, field, value);
  }
}

function checkLimit(name: string, field: string, value: unknown): void {
  const rule = Object.hasOwn(LIMITS, field) ? LIMITS[field as keyof ModelLimits] : undefined;
  if (rule === undefined) throw new Error(`${name}: there is no limit "${field}"; the limits are ${Object.keys(LIMITS).join(', ')}`);
  if (value === null && rule.canLift) return;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= rule.most) return;
  const most = rule.most === Number.MAX_SAFE_INTEGER ? 'of at least 1' : `from 1 to ${rule.most}`;
  throw new Error(
    `${name}: ${field} is ${JSON.stringify(value)}; give a whole number ${most}${rule.canLift ? ', or null for no limit' : ''}`,
  );
}

/**
 * The limits after a change. What is set for a model holds for all names of the same endpoint, since they share one limiter.
 * @param change checked by {@link checkLimits}
 */
export function mergeLimits(before: LimitsByModel, change: LimitsByModel, models: Readonly<Record<string, Endpoint>>): LimitsByModel {
  const after: Record<string, ModelLimits> = { ...before };
  for (const [name, limits] of Object.entries(change)) {
    for (const alias of aliasesOf(name, models)) after[alias] = { ...after[alias], ...limits };
  }
  return after;
}

const BUDGET_SIDES = ['usd', 'tokens'] as const;

/** What a new budget is checked against. */
export interface BudgetFacts {
  /** Names of models that the synthesis calls and whose price is not known. */
  readonly unpriced: readonly string[];
}

/** Checks a new budget. @throws Error with one sentence that names the field and the value */
export function checkBudget(request: unknown, { unpriced }: BudgetFacts): void {
  if (!isRecord(request) || Object.keys(request).length === 0) {
    throw new Error('setBudget needs an object such as {"usd": 50, "tokens": null}');
  }
  for (const [field, value] of Object.entries(request)) {
    const side = BUDGET_SIDES.find((name) => name === field);
    if (side === undefined) throw new Error(`a budget has no "${field}"; it has ${BUDGET_SIDES.join(' and ')}`);
    if (value === null) continue;
    const isAmount = typeof value === 'number' && Number.isFinite(value) && value > 0 && (side === 'usd' || Number.isInteger(value));
    if (!isAmount) {
      throw new Error(
        `budget ${side} is ${JSON.stringify(value)}; give a ${side === 'usd' ? 'number' : 'whole number'} above 0, or null for no limit`,
      );
    }
    if (side === 'usd' && unpriced.length > 0) {
      throw new Error(
        `a budget in dollars needs the price of every model, and ${unpriced.join(', ')} ${unpriced.length === 1 ? 'has' : 'have'} none; add it to the spec and start again, or give a budget in tokens`,
      );
    }
  }
}

/** The limits of a spec's budget with those that were set instead. */
export function budgetOf(spec: Allowance = {}, set: BudgetSetting = {}): Allowance {
  const { usd = spec.usd, tokens = spec.tokens } = set;
  return { ...(usd === undefined || usd === null ? {} : { usd }), ...(tokens === undefined || tokens === null ? {} : { tokens }) };
}

function aliasesOf(name: string, models: Readonly<Record<string, Endpoint>>): string[] {
  const endpoint = models[name];
  return Object.keys(models).filter((other) => models[other]?.baseURL === endpoint?.baseURL && models[other]?.model === endpoint?.model);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
