import { costOf, usdOf } from '../../planning/price';
import { addUsage, usageOfReply } from '../../services/batches/billing';

const PRICE = { inputUsdPerMillion: 2.5, outputUsdPerMillion: 10, cachedInputUsdPerMillion: 1.25 };

/** As the references of these APIs show a usage. */
test.each([
  // OpenAI, prompt caching: 1,920 of 2,006 prompt tokens from the cache.
  ['OpenAI', { prompt_tokens: 2006, completion_tokens: 300, total_tokens: 2306, prompt_tokens_details: { cached_tokens: 1920 } }, 1920],
  // DeepSeek, context caching.
  ['DeepSeek', { prompt_tokens: 2006, completion_tokens: 300, prompt_cache_hit_tokens: 1920, prompt_cache_miss_tokens: 86 }, 1920],
  // vLLM without --enable-prompt-tokens-details.
  ['vLLM', { prompt_tokens: 2006, completion_tokens: 300, total_tokens: 2306, prompt_tokens_details: null }, undefined],
  ['a count that is none', { prompt_tokens: 2006, completion_tokens: 300, prompt_tokens_details: { cached_tokens: 'many' } }, undefined],
])('cached prompt tokens as %s reports them cost their own price', (_, usage, cached) => {
  const read = usageOfReply({ usage });
  expect(read).toEqual({ promptTokens: 2006, completionTokens: 300, ...(cached === undefined ? {} : { cachedPromptTokens: cached }) });
  const prompts = cached === undefined ? 2006 * 2.5 : 86 * 2.5 + 1920 * 1.25;
  expect(usdOf(read!, PRICE)).toBeCloseTo((prompts + 300 * 10) / 1e6, 12);
});

test('without a price of their own they cost what others do', () => {
  const usage = { promptTokens: 1000, completionTokens: 0, cachedPromptTokens: 400 };
  expect(costOf(usage, { inputUsdPerMillion: 2, outputUsdPerMillion: 4 })).toEqual({ usd: 0.002, tokens: 1000 });
});

test('what a batch API has answered costs its part of the price, cached tokens too; the rest costs what live calls cost', () => {
  const batched = { promptTokens: 1000, completionTokens: 100, cachedPromptTokens: 400 };
  const live = { promptTokens: 500, completionTokens: 50 };
  const both = addUsage({ ...batched, inBatches: batched }, live);
  const price = { ...PRICE, batchFactor: 0.5 };
  expect(usdOf(both, price)).toBeCloseTo((0.5 * (600 * 2.5 + 400 * 1.25 + 100 * 10) + 500 * 2.5 + 50 * 10) / 1e6, 12);
  expect(usdOf(both, PRICE)).toBeCloseTo(usdOf(batched, PRICE) + usdOf(live, PRICE), 12);
});

test('sums keep what came from a cache', () => {
  const cached = { promptTokens: 10, completionTokens: 1, cachedPromptTokens: 8 };
  expect(addUsage(cached, { promptTokens: 5, completionTokens: 2 })).toEqual({
    promptTokens: 15,
    completionTokens: 3,
    cachedPromptTokens: 8,
  });
  expect(addUsage(cached, cached)).toEqual({ promptTokens: 20, completionTokens: 2, cachedPromptTokens: 16 });
});
