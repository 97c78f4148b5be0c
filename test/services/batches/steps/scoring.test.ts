import { type ChatTemplate, resolveTemplate } from '../../../../method/templates';
import { probabilityScoring, writtenProbabilityScoring } from '../../../../services/batches/steps/scoring';
import { readReply } from '../../../../services/endpoints/model-reply';
import { replied } from '../../../support/exchanges';

const sampling = { temperature: 1, topP: 1, maxTokens: 24 };
const judge = { baseURL: 'http://127.0.0.1:9/v1' };
const justification = replied(['Clear.']);

/** The same alternatives as llama.cpp sends them (the chat shape) and as vLLM and OpenAI do (the legacy shape). */
const alternatives = { '4': Math.log(0.5), ' 4': Math.log(0.1), '2': Math.log(0.2), the: Math.log(0.2) };
const chatShape = {
  content: [
    { token: '4', logprob: alternatives['4'], top_logprobs: Object.entries(alternatives).map(([token, logprob]) => ({ token, logprob })) },
  ],
};
const legacyShape = { tokens: ['4'], token_logprobs: [alternatives['4']], top_logprobs: [alternatives] };

describe('a forced rating', () => {
  it.each([
    ['the chat shape', chatShape],
    ['the legacy shape', legacyShape],
  ])('is read from logprobs in %s', (_name, logprobs) => {
    const reply = readReply({ choices: [{ index: 0, text: '4', finish_reason: 'length', logprobs }] });
    const reading = probabilityScoring(sampling, 0.05, resolveTemplate('chatml'), judge).read([justification, { reply, error: undefined }]);
    expect(reading).toEqual({
      score: expect.closeTo((0.6 * 4 + 0.2 * 2) / 0.8, 10),
      ratingMass: expect.closeTo(0.8, 10),
      raw: 'Clear.\n\nScore: 4',
    });
  });

  it('has no score where the endpoint says null for logprobs', () => {
    const reply = readReply({ choices: [{ index: 0, text: '4', logprobs: null }] });
    expect(probabilityScoring(sampling, 0.05, resolveTemplate('chatml'), judge).read([justification, { reply, error: undefined }])).toEqual(
      { score: null, raw: 'Clear.\n\nScore: 4', reason: 'the endpoint gave no logprobs' },
    );
  });

  it.each(['chatml', 'smollm2', 'llama-3', 'mistral-v3', 'gemma', 'phi-3', 'qwen2.5'])(
    'extends the prompt of the justification, so that a prefix cache serves it (%s)',
    (name) => {
      const method = probabilityScoring(sampling, 0.05, resolveTemplate(name), judge);
      const first = String(method.request('Judge this.', [], { seed: 1, attempt: 0 }).body['prompt']);
      const second = String(method.request('Judge this.', [justification], { seed: 1, attempt: 0 }).body['prompt']);
      expect(second.startsWith(first)).toBe(true);
      expect(second.endsWith('Clear.\n\nScore: ')).toBe(true);
    },
  );

  it('never asks for more than four stop strings', () => {
    for (const name of ['llama-3', 'chatml', 'mistral', 'gemma', 'phi-3', 'zephyr', 'deepseek-v3', 'command-r']) {
      const stop = probabilityScoring(sampling, 0.05, resolveTemplate(name), judge).request('Judge this.', [], { seed: 1, attempt: 0 })
        .body['stop'] as string[];
      expect(stop[0]).toBe('Score:');
      expect(stop.length).toBeLessThanOrEqual(4);
    }
  });
});

describe('a forced rating of a judge whose chat format opens its thoughts', () => {
  const chatml = resolveTemplate('chatml');
  /** As Qwen3.5 and DeepSeek V3.1 do; `switched` where the format can be told not to. */
  const opening = (switched: boolean): ChatTemplate => ({
    ...chatml,
    name: 'own',
    knowsTokens: true,
    isRead: true,
    renderPrompt: (messages, { assistantPrefix = '', variables = {} } = {}) =>
      `${chatml.renderPrompt(messages)}<think>\n${switched && variables['enable_thinking'] === false ? '\n</think>\n\n' : ''}${assistantPrefix}`,
  });
  const thought = replied(['Perhaps\nScore: 5\n</think>\n\nClear.\n\nScore: 4']);
  const cut = replied([{ text: 'Perhaps', finishReason: 'length' }]);

  it.each([true, false])('stands behind them, whether the format has a switch or not (%s)', (switched) => {
    const method = probabilityScoring(sampling, 0.05, opening(switched), judge);
    const body = (before: Parameters<typeof method.request>[1]): Readonly<Record<string, unknown>> =>
      method.request('Judge this.', before, { seed: 1, attempt: 0 }).body;
    expect(String(body([])['prompt']).endsWith('<think>\n')).toBe(true);
    expect(body([])['stop']).not.toContain('Score:');
    expect(String(body([thought])['prompt'])).toMatch(/<think>\n\n?<\/think>\n\nClear\.\n\nScore: $/);
    const rated = {
      reply: readReply({ choices: [{ index: 0, text: '4', finish_reason: 'length', logprobs: chatShape }] }),
      error: undefined,
    };
    expect(method.read([thought, rated])).toMatchObject({ raw: 'Clear.\n\nScore: 4', reasoning: 'Perhaps\nScore: 5' });
    expect(method.read([cut, rated])).toMatchObject({ score: null, reason: 'unfinished thinking', reasoning: 'Perhaps' });
  });

  it('does not open them where they are turned off', () => {
    const method = probabilityScoring(sampling, 0.05, opening(true), { ...judge, thinking: { mode: 'off' } });
    const { prompt, stop } = method.request('Judge this.', [], { seed: 1, attempt: 0 }).body;
    expect(String(prompt).endsWith('<think>\n\n</think>\n\n')).toBe(true);
    expect(stop).toContain('Score:');
  });
});

describe('a written rating', () => {
  const method = writtenProbabilityScoring(sampling, 0.05, judge);

  it('is read at the last label, not at one that the judge quotes', () => {
    const at = (token: string, rating?: string): object => ({
      token,
      logprob: -0.1,
      top_logprobs:
        rating === undefined
          ? []
          : [
              { token: rating, logprob: Math.log(0.7) },
              { token: '1', logprob: Math.log(0.1) },
            ],
    });
    const content = [at('It says'), at(' "Score:'), at(' '), at('5', '5'), at('".\n'), at('Score:'), at(' '), at('2', '2')];
    const reply = readReply({ choices: [{ message: { content: 'It says "Score: 5".\nScore: 2' }, logprobs: { content } }] });
    expect(method.read([{ reply, error: undefined }])).toMatchObject({
      score: expect.closeTo((0.7 * 2 + 0.1) / 0.8, 10),
      ratingMass: expect.closeTo(0.8, 10),
    });
  });
});
