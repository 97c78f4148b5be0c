import { budgetOf, checkBudget, checkLimits, checkPause, mergeLimits } from '../../../workflows/control/control-requests';

const MODELS = {
  big: { baseURL: 'http://a/v1', model: 'm' },
  alias: { baseURL: 'http://a/v1', model: 'm' },
  small: { baseURL: 'http://a/v1', model: 's' },
};

describe('checkLimits', () => {
  test.each([{ big: { concurrency: 1 } }, { big: { requestsPerMinute: null }, small: { tokensPerMinute: 1_000, concurrency: 10_000 } }])(
    'takes %j',
    (request) => {
      expect(() => checkLimits(request, MODELS)).not.toThrow();
    },
  );

  test.each([
    [undefined, 'setLimits needs an object of limits by model, such as {"gpt-4": {"concurrency": 16}}'],
    [[], 'setLimits needs an object of limits by model, such as {"gpt-4": {"concurrency": 16}}'],
    [{}, 'setLimits needs an object of limits by model, such as {"gpt-4": {"concurrency": 16}}'],
    [{ bog: { concurrency: 1 } }, 'the run has no model "bog"; its models are big, alias, small'],
    [{ constructor: { concurrency: 1 } }, 'the run has no model "constructor"; its models are big, alias, small'],
    [{ big: {} }, 'big: name at least one of concurrency, requestsPerMinute, tokensPerMinute'],
    [{ big: 3 }, 'big: name at least one of concurrency, requestsPerMinute, tokensPerMinute'],
    [{ big: { rpm: 3 } }, 'big: there is no limit "rpm"; the limits are concurrency, requestsPerMinute, tokensPerMinute'],
    [{ big: { concurrency: 0 } }, 'big: concurrency is 0; give a whole number from 1 to 10000'],
    [{ big: { concurrency: null } }, 'big: concurrency is null; give a whole number from 1 to 10000'],
    [{ big: { concurrency: 10_001 } }, 'big: concurrency is 10001; give a whole number from 1 to 10000'],
    [{ big: { tokensPerMinute: 1.5 } }, 'big: tokensPerMinute is 1.5; give a whole number of at least 1, or null for no limit'],
    [
      { small: { concurrency: 1 }, big: { requestsPerMinute: '9' } },
      'big: requestsPerMinute is "9"; give a whole number of at least 1, or null for no limit',
    ],
  ])('rejects %j', (request, sentence) => {
    expect(() => checkLimits(request, MODELS)).toThrow(new Error(sentence));
  });
});

test('limits are set for all names of one endpoint, and beside what was set before', () => {
  const first = mergeLimits({}, { big: { concurrency: 2 } }, MODELS);
  expect(first).toEqual({ big: { concurrency: 2 }, alias: { concurrency: 2 } });
  expect(mergeLimits(first, { alias: { tokensPerMinute: null }, small: { concurrency: 3 } }, MODELS)).toEqual({
    big: { concurrency: 2, tokensPerMinute: null },
    alias: { concurrency: 2, tokensPerMinute: null },
    small: { concurrency: 3 },
  });
});

test('a reason is a text that is not too long', () => {
  expect(() => checkPause(undefined)).not.toThrow();
  expect(() => checkPause({ reason: 'x'.repeat(500) })).not.toThrow();
  for (const reason of ['x'.repeat(501), 5]) {
    expect(() => checkPause({ reason })).toThrow('reason must be a text of at most 500 characters; shorten it or leave it out');
  }
});

describe('checkBudget', () => {
  const facts = { unpriced: [] };

  test.each([{ usd: 2.5 }, { tokens: 1_000, usd: null }, { usd: 3, tokens: 5_000 }])('takes %j', (request) => {
    expect(() => checkBudget(request, facts)).not.toThrow();
  });

  test.each([
    [undefined, 'setBudget needs an object such as {"usd": 50, "tokens": null}'],
    [{}, 'setBudget needs an object such as {"usd": 50, "tokens": null}'],
    [{ eur: 3 }, 'a budget has no "eur"; it has usd and tokens'],
    [{ usd: 0 }, 'budget usd is 0; give a number above 0, or null for no limit'],
    [{ usd: '7' }, 'budget usd is "7"; give a number above 0, or null for no limit'],
    [{ tokens: 1_000.5 }, 'budget tokens is 1000.5; give a whole number above 0, or null for no limit'],
  ])('rejects %j', (request, sentence) => {
    expect(() => checkBudget(request, facts)).toThrow(new Error(sentence));
  });

  test('takes dollars only where every model has a price', () => {
    const unpriced = { ...facts, unpriced: ['a', 'b'] };
    expect(() => checkBudget({ tokens: 5_000 }, unpriced)).not.toThrow();
    expect(() => checkBudget({ usd: 5 }, unpriced)).toThrow(
      'a budget in dollars needs the price of every model, and a, b have none; add it to the spec and start again, or give a budget in tokens',
    );
  });
});

test('a budget that was set stands for the side of the spec that it names, and null lifts it', () => {
  expect(budgetOf({ usd: 5, tokens: 9 }, { usd: 7 })).toEqual({ usd: 7, tokens: 9 });
  expect(budgetOf({ usd: 5, tokens: 9 }, { usd: null })).toEqual({ tokens: 9 });
  expect(budgetOf(undefined, { tokens: 4 })).toEqual({ tokens: 4 });
  expect(budgetOf()).toEqual({});
});
