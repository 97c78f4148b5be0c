import type { RunSpecInput } from '../../../../config/spec';
import type { Instruction, Response } from '../../../../method/records';
import { deriveSeed } from '../../../../method/seeds';
import type { BatchItem } from '../../../../services/batches/batch-item';
import { responseItems } from '../../../../services/batches/steps/response';
import { answeredNothing, outcome, play, refused, replied } from '../../../support/exchanges';
import { smallSpec } from '../../../support/small-spec';

const BASE_URL = 'http://127.0.0.1:9/v1';

function instruction(index: number): Instruction {
  return {
    id: `i000000${index}`,
    text: `Question ${index}, of 24 chars`,
    model: 'target',
    finishReason: 'stop',
    seed: 1,
    attempts: 1,
    usage: null,
  };
}

function threeSamples(change: (spec: RunSpecInput) => void = () => undefined): (spec: RunSpecInput) => void {
  return (spec) => {
    spec.synthesis.respond.samples = 3;
    change(spec);
  };
}

function itemsOf(generator: string, change: (spec: RunSpecInput) => void = threeSamples()): BatchItem<Response>[] {
  return responseItems(smallSpec(BASE_URL, change), generator, [instruction(4), instruction(5)]);
}

function seedOf(generator: string, sample: number, attempt: number): number {
  return deriveSeed({ runSeed: 7, stage: `respond:${generator}`, itemIndex: 4, sample, attempt });
}

describe('responses of an endpoint that takes n', () => {
  it('are one item an instruction, so that the samples share one prompt', () => {
    expect(itemsOf('target').map(({ id }) => id)).toEqual(['i0000004:target', 'i0000005:target']);
  });

  it('are asked for in one chat request', () => {
    const { requests } = play(itemsOf('target')[0]!, []);
    expect(requests).toEqual([
      {
        path: 'chat/completions',
        body: {
          messages: [{ role: 'user', content: 'Question 4, of 24 chars' }],
          max_tokens: 64,
          temperature: 1,
          top_p: 1,
          seed: seedOf('target', 0, 0),
          n: 3,
        },
        tokenEstimate: 6 + 3 * 64,
      },
    ]);
  });

  it('are numbered in the order of the choices and share the usage evenly', () => {
    const { rows, failures } = outcome(itemsOf('target')[0]!, [
      replied(['a', ' b ', { text: 'c', finishReason: 'length' }], { promptTokens: 30, completionTokens: 60 }),
    ]);
    const usage = { promptTokens: 10, completionTokens: 20 };
    const common = { instructionId: 'i0000004', model: 'target', seed: seedOf('target', 0, 0), attempts: 1, usage };
    expect(rows).toEqual([
      { ...common, id: 'i0000004:target:0', sample: 0, text: 'a', finishReason: 'stop' },
      { ...common, id: 'i0000004:target:1', sample: 1, text: 'b', finishReason: 'stop' },
      { ...common, id: 'i0000004:target:2', sample: 2, text: 'c', finishReason: 'length' },
    ]);
    expect(failures).toEqual([]);
  });

  it('are asked for one by one, and lose no try, where the endpoint gave one choice of several: it ignores n', () => {
    const five = itemsOf('target', (spec) => (spec.synthesis.respond.samples = 5))[0]!; // with three tries
    const { requests, last } = play(
      five,
      ['a', 'b', 'c', 'd', 'e'].map((text) => replied([text])),
    );
    expect(requests.map(({ body }) => body['n'])).toEqual([5, undefined, undefined, undefined, undefined]);
    expect(requests.map(({ body }) => body['seed'])).toEqual([0, 1, 2, 3, 4].map((sample) => seedOf('target', sample, sample)));
    expect(last).toMatchObject({ do: 'done', failures: [], rows: ['a', 'b', 'c', 'd', 'e'].map((text, sample) => ({ text, sample })) });
  });

  it('have tries of their own where they are asked for one by one', () => {
    const { rows, failures } = outcome(
      itemsOf('target')[0]!,
      ['a', '', '', '', 'c'].map((text) => replied([text])),
    );
    expect(rows).toMatchObject([
      { text: 'a', sample: 0 },
      { text: 'c', sample: 2 },
    ]);
    expect(failures).toMatchObject([{ id: 'i0000004:target:1', reason: 'empty', attempts: 3 }]);
  });

  it('are asked for again only where they were unusable, with the seed of the first of those', () => {
    const item = itemsOf('target')[0]!;
    const { requests, last } = play(item, [replied(['a', '', { text: 'x', finishReason: 'content_filter' }]), replied(['b', 'c'])]);
    expect(requests.map(({ body }) => [body['n'], body['seed']])).toEqual([
      [3, seedOf('target', 0, 0)],
      [2, seedOf('target', 1, 1)],
    ]);
    expect(requests.map(({ tokenEstimate }) => tokenEstimate)).toEqual([6 + 3 * 64, 6 + 2 * 64]);
    expect(last).toMatchObject({
      do: 'done',
      rows: [
        { id: 'i0000004:target:0', text: 'a', attempts: 1, seed: seedOf('target', 0, 0) },
        { id: 'i0000004:target:1', text: 'b', attempts: 2, seed: seedOf('target', 1, 1) },
        { id: 'i0000004:target:2', text: 'c', attempts: 2, seed: seedOf('target', 1, 1) },
      ],
      failures: [],
    });
  });

  it('are asked for without n when one is left', () => {
    const { requests } = play(itemsOf('target')[0]!, [replied(['a', 'b', ''])]);
    expect(requests[1]?.body).not.toHaveProperty('n');
    expect(requests[1]?.body['seed']).toBe(seedOf('target', 2, 1));
  });

  it('are asked for again where the endpoint gave fewer choices than n', () => {
    const { requests, last } = play(itemsOf('target')[0]!, [replied(['a', 'b'], { promptTokens: 8, completionTokens: 4 }), replied(['c'])]);
    expect(requests[1]?.body).not.toHaveProperty('n');
    expect(last).toMatchObject({ rows: [{ text: 'a', usage: { promptTokens: 4, completionTokens: 2 } }, { text: 'b' }, { text: 'c' }] });
  });

  it('leave out choices beyond n', () => {
    expect(outcome(itemsOf('target')[0]!, [replied(['a', 'b', 'c', 'd'])]).rows.map(({ text }) => text)).toEqual(['a', 'b', 'c']);
  });

  it('fail one by one, each with its own last reason', () => {
    const bad = replied([
      { text: '', finishReason: 'stop' },
      { text: 'x', finishReason: 'content_filter' },
    ]);
    const { rows, failures } = outcome(itemsOf('target')[0]!, [replied(['a', '', '']), bad, bad]);
    expect(rows.map(({ id }) => id)).toEqual(['i0000004:target:0']);
    expect(failures).toEqual([
      { stage: 'respond', id: 'i0000004:target:1', model: 'target', reason: 'empty', attempts: 3 },
      { stage: 'respond', id: 'i0000004:target:2', model: 'target', reason: 'content_filter', attempts: 3 },
    ]);
  });

  it('all fail where no try had choices', () => {
    const { rows, failures } = outcome(itemsOf('target')[0]!, [answeredNothing, answeredNothing, answeredNothing]);
    expect(rows).toEqual([]);
    expect(failures.map(({ reason, attempts }) => [reason, attempts])).toEqual([
      ['no choices', 3],
      ['no choices', 3],
      ['no choices', 3],
    ]);
  });

  it('keep what came before a refusal, which ends the rest', () => {
    const { rows, failures } = outcome(itemsOf('target')[0]!, [replied(['a', '', '']), refused('context length exceeded')]);
    expect(rows.map(({ id }) => id)).toEqual(['i0000004:target:0']);
    expect(failures).toEqual(
      [1, 2].map((sample) => ({
        stage: 'respond',
        id: `i0000004:target:${sample}`,
        model: 'target',
        reason: 'refused: context length exceeded',
        attempts: 2,
      })),
    );
  });
});

describe('responses of an endpoint without n', () => {
  it('are one item and one request a sample, each with a seed of its own', () => {
    const items = itemsOf('other').slice(0, 3);
    expect(items.map(({ id }) => id)).toEqual(['i0000004:other:0', 'i0000004:other:1', 'i0000004:other:2']);
    const bodies = items.map((item) => play(item, []).requests[0]!.body);
    expect(bodies.map((body) => body['seed'])).toEqual([0, 1, 2].map((sample) => seedOf('other', sample, 0)));
    expect(new Set(bodies.map((body) => body['seed'])).size).toBe(3);
    for (const body of bodies) expect(body).not.toHaveProperty('n');
  });

  it('carry their own usage whole', () => {
    const usage = { promptTokens: 9, completionTokens: 5 };
    expect(outcome(itemsOf('other')[1]!, [replied(['b'], usage)]).rows).toMatchObject([
      { id: 'i0000004:other:1', sample: 1, usage, attempts: 1 },
    ]);
  });

  it('are retried and fail alone', () => {
    const { requests, last } = play(itemsOf('other')[2]!, [replied(['']), replied(['']), replied([''])]);
    expect(requests.map(({ body }) => body['seed'])).toEqual([0, 1, 2].map((attempt) => seedOf('other', 2, attempt)));
    expect(last).toEqual({
      do: 'done',
      rows: [],
      failures: [{ stage: 'respond', id: 'i0000004:other:2', model: 'other', reason: 'empty', attempts: 3 }],
    });
  });
});

describe('responses of any endpoint', () => {
  const one = (change: (spec: RunSpecInput) => void): BatchItem<Response> =>
    itemsOf('target', (spec) => {
      spec.synthesis.respond.samples = 1;
      change(spec);
    })[0]!;

  it('are named after their sample where there is only one', () => {
    const item = one(() => undefined);
    expect(item.id).toBe('i0000004:target:0');
    expect(play(item, []).requests[0]?.body).not.toHaveProperty('n');
  });

  it('use the sampling that the spec gives this model', () => {
    const item = one((spec) => (spec.synthesis.respond.perModel = { target: { temperature: 0.3, topP: 0.9, maxTokens: 16 } }));
    expect(play(item, []).requests[0]?.body).toMatchObject({ temperature: 0.3, top_p: 0.9, max_tokens: 16 });
  });

  it('may be cut at the limit, unless the spec says otherwise', () => {
    const cut = replied([{ text: 'half an', finishReason: 'length' }]);
    expect(
      outcome(
        one(() => undefined),
        [cut],
      ).rows,
    ).toMatchObject([{ text: 'half an', finishReason: 'length' }]);
    const strict = one((spec) => Object.assign(spec.synthesis.respond, { acceptTruncated: false, maxAttempts: 2 }));
    expect(outcome(strict, [cut, cut]).failures).toMatchObject([{ reason: 'truncated', attempts: 2 }]);
  });

  it('are sampled on a retry where the first try was greedy', () => {
    const greedy = one((spec) => (spec.synthesis.respond.sampling = { temperature: 0 }));
    expect(play(greedy, [replied([''])]).requests.map(({ body }) => body['temperature'])).toEqual([0, 0.7]);
  });

  it('are asked for again where they broke off, and lost with the name of that end', () => {
    const broken = replied([{ text: 'half an', finishReason: 'ended: error' }]);
    const item = one(() => undefined);
    expect(outcome(item, [broken, replied(['whole'])]).rows).toMatchObject([{ text: 'whole', attempts: 2 }]);
    expect(outcome(item, [broken, broken, broken]).failures).toMatchObject([{ reason: 'ended: error', attempts: 3 }]);
  });

  it('that end with null broke off, unless the endpoint never tells ends', () => {
    const open = replied([{ text: 'half an', finishReason: 'ended: null' }]);
    expect(
      outcome(
        one(() => undefined),
        [open, replied(['whole'])],
      ).rows,
    ).toMatchObject([{ text: 'whole', attempts: 2 }]);
    const silent = one((spec) => {
      for (const model of Object.values(spec.models)) model.tellsEnds = false;
    });
    expect(outcome(silent, [open]).rows).toMatchObject([{ text: 'half an', finishReason: null, attempts: 1 }]);
    const broken = replied([{ text: 'half an', finishReason: 'ended: abort' }]);
    expect(outcome(silent, [broken, replied(['whole'])]).rows).toMatchObject([{ text: 'whole', attempts: 2 }]);
  });

  it('are what is said behind the thoughts, which are kept apart wherever the endpoint puts them', () => {
    const rows = (choice: Parameters<typeof replied>[0][number]): readonly Response[] =>
      outcome(
        one(() => undefined),
        [replied([choice])],
      ).rows;
    for (const choice of [
      { text: '<think>a</think>\n\nB' },
      { text: 'a\n</think>\n\nB' },
      { text: '[THINK]a[/THINK]B' },
      { text: 'B', reasoning: 'a' },
    ]) {
      expect(rows(choice)).toMatchObject([{ text: 'B', reasoning: 'a', finishReason: 'stop' }]);
    }
    expect(rows('B')[0]).not.toHaveProperty('reasoning');
    expect(rows('Use `</think>` there.')).toMatchObject([{ text: 'Use `</think>` there.' }]);
    expect(rows({ text: '<think>a</think>half an', finishReason: 'length' })).toMatchObject([{ text: 'half an', finishReason: 'length' }]);
  });

  it.each([
    ['unfinished thinking', { text: '<think>a', finishReason: 'length' }],
    ['unfinished thinking', { text: '<think>a' }],
    ['unfinished thinking', { text: '', reasoning: 'a', finishReason: 'length' }],
    ['nothing but thinking', { text: '<think>a</think>' }],
    ['nothing but thinking', { text: ' ', reasoning: 'a' }],
    ['content_filter', { text: '<think>a', finishReason: 'content_filter' }],
    ['empty', { text: '' }],
  ] as const)('are unusable with the reason %s where that is all: %j', (reason, choice) => {
    const item = one((spec) => (spec.synthesis.respond.maxAttempts = 1));
    const { rows, failures } = outcome(item, [replied([choice])]);
    expect(rows).toEqual([]);
    expect(failures).toMatchObject([{ reason }]);
  });

  it('name thinking also where the endpoint only counts it', () => {
    const item = one((spec) => (spec.synthesis.respond.maxAttempts = 1));
    const { reply } = replied([{ text: '', finishReason: 'length' }]);
    const exchange = { reply: { ...reply!, thoughtTokens: 64 }, error: undefined };
    expect(outcome(item, [exchange]).failures).toMatchObject([{ reason: 'unfinished thinking' }]);
  });

  it('of a model that is told to think have room for it, and none that is cut without a mark is an answer', () => {
    const item = one((spec) => {
      spec.models['target'] = { ...spec.models['target']!, thinking: { mode: 'on', maxTokens: 1000 } };
      spec.synthesis.respond.maxAttempts = 1;
    });
    expect(play(item, []).requests[0]).toMatchObject({
      body: { max_tokens: 1064, chat_template_kwargs: { enable_thinking: true } },
      tokenEstimate: 6 + 1064,
    });
    expect(outcome(item, [replied([{ text: 'So, let us see', finishReason: 'length' }])]).failures).toMatchObject([
      { reason: 'unfinished thinking' },
    ]);
    expect(outcome(item, [replied(['B'])]).rows).toMatchObject([{ text: 'B' }]);
  });

  it('do not depend on when or how often a step was asked for', () => {
    const exchanges = [replied(['a', '']), answeredNothing, replied(['b'])];
    const item = responseItems(smallSpec(BASE_URL), 'target', [instruction(4)])[0]!;
    const first = [0, 1, 2, 3].map((count) => item.next(exchanges.slice(0, count)));
    expect([3, 1, 0, 2].map((count) => item.next(exchanges.slice(0, count)))).toEqual([first[3], first[1], first[0], first[2]]);
  });
});
