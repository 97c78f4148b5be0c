import type { ModelSpec } from '../config/spec';
import type { Cost } from '../method/cost';
import type { Usage } from '../method/records';

export type Price = NonNullable<ModelSpec['price']>;

/** Dollars for these tokens. */
export function usdOf(
  { promptTokens, completionTokens, cachedPromptTokens = 0 }: Usage,
  { inputUsdPerMillion, outputUsdPerMillion, cachedInputUsdPerMillion = inputUsdPerMillion }: Price,
): number {
  const prompts = (promptTokens - cachedPromptTokens) * inputUsdPerMillion + cachedPromptTokens * cachedInputUsdPerMillion;
  return (prompts + completionTokens * outputUsdPerMillion) / 1e6;
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
