import type { ModelSpec } from '../config/spec';
import type { Cost } from '../method/cost';
import type { Usage } from '../method/records';

export type Price = NonNullable<ModelSpec['price']>;

/** Dollars for these tokens. */
export function usdOf({ promptTokens, completionTokens }: Usage, { inputUsdPerMillion, outputUsdPerMillion }: Price): number {
  return (promptTokens * inputUsdPerMillion + completionTokens * outputUsdPerMillion) / 1e6;
}

/** Tokens as a cost; no dollars without a price. */
export function costOf(usage: Usage, price: Price | undefined): Cost {
  return { usd: price === undefined ? 0 : usdOf(usage, price), tokens: usage.promptTokens + usage.completionTokens };
}

/** Dollars of training by a provider, or null without a price of it. */
export function trainingUsd(trainedTokens: number, price: Price | undefined): number | null {
  const perMillion = price?.trainingUsdPerMillion;
  return perMillion === undefined ? null : (trainedTokens * perMillion) / 1e6;
}
