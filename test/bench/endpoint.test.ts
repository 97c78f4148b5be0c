import { CallCounts } from '../../bench/call-counts';
import { startEndpoint, type BenchEndpoint } from '../../bench/endpoint';
import { mix32 } from '../../method/hash';
import { renderJudgePrompt } from '../../method/judge-prompt';
import { createRandom } from '../../method/random';
import { parseScore } from '../../method/scores';

interface Reply {
  readonly choices: readonly { readonly text?: string; readonly message?: { readonly content: string }; readonly finish_reason: string }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

describe('the endpoint of the benchmarks', () => {
  let endpoint: BenchEndpoint;
  beforeEach(async () => (endpoint = await startEndpoint()));
  afterEach(async () => await endpoint.close());

  async function post(path: string, body: unknown): Promise<Reply> {
    const response = await fetch(`${endpoint.baseURL}/${path}`, { method: 'POST', body: JSON.stringify(body) });
    return (await response.json()) as Reply;
  }
  const chat = async (content: string, more = {}): Promise<Reply> =>
    await post('chat/completions', { model: 'm', messages: [{ role: 'user', content }], ...more });

  it('says the same to the same request, in another process too, and something else to another seed', async () => {
    const other = await startEndpoint();
    const first = await chat('hello', { seed: 1 });
    expect(await chat('hello', { seed: 1 })).toEqual(first);
    expect((await chat('hello', { seed: 2 })).choices).not.toEqual(first.choices);
    await endpoint.close();
    endpoint = other;
    expect(await chat('hello', { seed: 1 })).toEqual(first);
  });

  it('gives n different answers, and every rating to judges', async () => {
    const { choices } = await chat('hello', { n: 3 });
    expect(new Set(choices.map(({ message }) => message?.content)).size).toBe(3);
    const prompt = renderJudgePrompt({ instruction: 'Do "this".', response: 'Done.' });
    const scores = new Set<number | null>();
    for (let seed = 0; seed < 100; seed++) {
      const verdict = await chat(prompt, { seed });
      scores.add(parseScore(verdict.choices[0]?.message?.content ?? '').score);
    }
    expect(scores).toEqual(new Set([1, 2, 3, 4, 5]));
  });

  it('writes instructions for raw prompts', async () => {
    const { choices, usage } = await post('completions', { model: 'm', prompt: '<|user|>', seed: 1 });
    expect(choices[0]?.text?.split(/\s+/).length).toBeGreaterThanOrEqual(5);
    expect(usage.completion_tokens).toBeGreaterThan(0);
  });

  it('counts what is asked again', async () => {
    for (const seed of [1, 2, 1, 3, 1]) await chat('hello', { seed });
    expect(endpoint.stats()).toMatchObject({ requests: 5, answered: 5, distinct: 3, repeated: 2, inFlight: 0 });
    endpoint.reset();
    expect(endpoint.stats()).toMatchObject({ requests: 0, distinct: 0, repeated: 0 });
  });
});

describe('the count of calls', () => {
  it('agrees with a plain map when its table grows', () => {
    const counts = new CallCounts();
    const plain = new Map<string, number>();
    const random = createRandom(1);
    let wrong = 0;
    for (let i = 0; i < 200_000; i++) {
      const [high, low] = [random.below(2), mix32(random.below(60_000)) >>> 0];
      const key = `${high} ${low}`;
      plain.set(key, (plain.get(key) ?? 0) + 1);
      if (counts.add(high, low) !== plain.get(key)) wrong++;
    }
    expect(wrong).toBe(0);
    expect(counts.distinct).toBe(plain.size);
    expect(counts.repeated).toBe(200_000 - plain.size);
  });
});
