import { checkProbes, whyNotAsked } from '../../../cli/doctor/check-probes';
import { DialectServer } from '../../support/dialect-server';
import { DIALECTS } from '../../support/dialects';
import { smallSpec } from '../../support/small-spec';

/** What doctor says of a generator and judge in this dialect, beside a target that speaks vLLM's. */
async function findings(heading: string) {
  const [target, other] = [await DialectServer.start(DIALECTS['vLLM']!), await DialectServer.start(DIALECTS[heading]!)];
  try {
    const spec = smallSpec(target.baseURL, ({ models }) => {
      models['other'] = { baseURL: other.baseURL, model: 'model', apiKeyEnv: 'KEY' };
    });
    const found = await checkProbes(spec, { KEY: 'k-1234567890' }, {});
    return { of: (name: string) => found.filter(({ check }) => check === `probe ${name}`), asked: other.requests.length };
  } finally {
    await Promise.all([target.close(), other.close()]);
  }
}

test('each model is asked what a run would ask of it, and all is well where it takes that', async () => {
  const { of } = await findings('vLLM');
  for (const name of ['target', 'other']) {
    expect(of(name)).toEqual([{ check: `probe ${name}`, state: 'ok', message: `${name} takes what the run would send` }]);
  }
});

test('what an endpoint wants otherwise is told as the line that says it', async () => {
  const { of, asked } = await findings('Gemini, compatible API');
  expect(of('other')).toMatchObject([
    { state: 'warn', message: expect.stringContaining('models.other.request: {omit: [seed]}, models.other.supportsN: false') },
  ]);
  expect(asked).toBeLessThanOrEqual(5);
});

test('what it cannot do fails the check, with the way out and what else was found', async () => {
  const { of } = await findings('OpenAI: o-series, gpt-5');
  expect(of('other')).toMatchObject([
    {
      state: 'fail',
      message: expect.stringMatching(
        /request: \{omit: \[temperature\]\}; it also wants models\.other\.request: \{rename: \{max_tokens: max_completion_tokens\}\}$/,
      ),
    },
  ]);
});

test('a key that is not there fails the check by its name, before anything is sent', async () => {
  const target = await DialectServer.start(DIALECTS['vLLM']!);
  try {
    const spec = smallSpec(target.baseURL, ({ models }) => (models['other'] = { baseURL: target.baseURL, model: 'm', apiKeyEnv: 'KEY' }));
    const found = await checkProbes(spec, {}, {});
    expect(found.find(({ check }) => check === 'probe other')).toMatchObject({ state: 'fail', message: expect.stringContaining('KEY') });
  } finally {
    await target.close();
  }
});

test('an endpoint that gives no answer in time is told of with its last fault', () => {
  const late = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
  expect(whyNotAsked(late)).toBe('it did not answer within a minute');
  const fault = { scope: 'transient', kind: 'server_error', overloaded: false, status: 500, message: '500 oops' } as const;
  expect(whyNotAsked(late, fault)).toBe('it did not answer within a minute; the last time: server_error (HTTP 500): 500 oops');
  expect(whyNotAsked(new Error('no way'))).toBe('no way');
});
