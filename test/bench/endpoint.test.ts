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

describe('the endpoint of the benchmarks, with faults and dialects', () => {
  let endpoint: BenchEndpoint;
  beforeEach(async () => (endpoint = await startEndpoint({ faultPercent: 100 })));
  afterEach(async () => await endpoint.close());

  async function post(path: string, body: unknown): Promise<Response> {
    const url = endpoint.baseURL.replace(/\/v1$/, path);
    return await fetch(url, { method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(500) });
  }
  const ask = { messages: [{ role: 'user', content: 'hello' }], max_tokens: 8 };

  it('counts requests that come to a fault, or that a dialect refuses, by themselves', async () => {
    for (let number = 0; number < 30; number++) {
      // Whatever the fault is, it is no reply: a status, a broken connection or body, a page, an error, or nothing in time.
      const reply = await post('/v1/chat/completions', ask)
        .then(async (response) => (response.ok ? await response.text() : ''))
        .catch(() => '');
      expect(reply).not.toMatch(/"usage":\{[^}]*\}\}$/);
    }
    expect((await post('/claude/v1/chat/completions', { ...ask, n: 2 })).status).toBe(400);
    expect((await post('/mistral/v1/chat/completions', { ...ask, seed: 1 })).status).toBe(422);
    expect(endpoint.stats()).toMatchObject({ requests: 0, answered: 0, distinct: 0, plain: 30, upset: 30, refused: 2, promptTokens: 0 });
    expect(Object.keys(endpoint.stats().faults).length).toBeGreaterThan(5);
  });

  it('speaks as Mistral and Anthropic do on paths of their own, where no fault comes', async () => {
    const mistral = (await (await post('/mistral/v1/chat/completions', ask)).json()) as {
      choices: { message: { content: { type: string }[] } }[];
    };
    expect(mistral.choices[0]!.message.content.map(({ type }) => type)).toEqual(['thinking', 'text']);
    const claude = (await (await post('/claude/v1/chat/completions', ask)).json()) as Reply;
    expect(claude.choices[0]!.finish_reason).toBe('end_turn');
    expect(endpoint.stats()).toMatchObject({ requests: 2, upset: 0 });
  });
});

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
