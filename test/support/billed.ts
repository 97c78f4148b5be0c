import type { Cost } from '../../method/cost';
import type { ReceivedRequest } from './fake-endpoint';
import { defaultReply, promptOf, tokenize } from './fake-replies';

/** Prices that make a small run cost dollars. */
export const TEST_PRICE = { inputUsdPerMillion: 1_000, outputUsdPerMillion: 3_000 };

/** What an endpoint with default replies bills for requests that it works on, whether or not the reply arrives. */
export function billed(requests: readonly ReceivedRequest[]): Cost {
  return requests
    .map(billedOne)
    .reduce((total, { usd, tokens }) => ({ usd: total.usd + usd, tokens: total.tokens + tokens }), { usd: 0, tokens: 0 });
}

function billedOne({ path, body }: ReceivedRequest): Cost {
  const prompt = tokenize(promptOf(body)).length;
  const samples = Array.from(
    { length: body.n ?? 1 },
    (_, sample) => tokenize(defaultReply(path, body, sample).text).slice(0, body.max_tokens).length,
  );
  const completion = samples.reduce((sum, tokens) => sum + tokens, 0);
  return { usd: (prompt * TEST_PRICE.inputUsdPerMillion + completion * TEST_PRICE.outputUsdPerMillion) / 1e6, tokens: prompt + completion };
}
