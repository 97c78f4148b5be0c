import type { ModelSpec } from '../config/spec';
import type { Cost } from '../method/cost';
import type { Usage } from '../method/records';

export type Price = NonNullable<ModelSpec['price']>;

/** Dollars for these tokens. What batch APIs have answered costs `batchFactor` of what live calls cost, cached tokens too. */
export function usdOf({ inBatches, ...all }: Usage, price: Price): number {
  const { batchFactor = 1 } = price;
  return liveUsdOf(all, price) - (inBatches === undefined ? 0 : (1 - batchFactor) * liveUsdOf(inBatches, price));
}

function liveUsdOf(
  { promptTokens, completionTokens, cachedPromptTokens = 0 }: Omit<Usage, 'inBatches'>,
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
