import type { RunSpecInput } from '../../../../config/spec';
import type { Instruction } from '../../../../method/records';
import { deriveSeed } from '../../../../method/seeds';
import type { BatchItem } from '../../../../services/batches/batch-item';
import { extractionItems } from '../../../../services/batches/steps/extraction';
import { answeredNothing, outcome, play, refused, replied } from '../../../support/exchanges';
import { smallSpec } from '../../../support/small-spec';

const BASE_URL = 'http://127.0.0.1:9/v1';
const shard = { index: 1, start: 3, end: 6 };

function itemsOf(change?: (spec: RunSpecInput) => void): BatchItem<Instruction>[] {
  return extractionItems(smallSpec(BASE_URL, change), shard);
}

function itemOf(change?: (spec: RunSpecInput) => void): BatchItem<Instruction> {
  return itemsOf(change)[0]!;
}

function seedOf(index: number, attempt: number): number {
  return deriveSeed({ runSeed: 7, stage: 'extract', itemIndex: index, sample: 0, attempt });
}

describe('extraction', () => {
  it('has one item for each instruction of the shard, in their order', () => {
    expect(itemsOf().map(({ id }) => id)).toEqual(['i0000003', 'i0000004', 'i0000005']);
  });

  it('sends the bare pre-query template, with the sampling of the spec and a seed of its own', () => {
    const { requests } = play(
      itemOf((spec) => (spec.synthesis.extract.sampling = { temperature: 0.9, topP: 0.8, maxTokens: 64 })),
      [],
    );
    expect(requests).toEqual([
      {
        path: 'completions',
        body: {
          prompt: '<|im_start|>user\n',
          max_tokens: 64,
          temperature: 0.9,
          top_p: 0.8,
          stop: ['<|im_end|>', '<|endoftext|>', '<|im_start|>'],
          seed: seedOf(3, 0),
        },
        tokenEstimate: 80,
      },
    ]);
  });

  it('leaves the BOS to an endpoint that puts one before raw prompts by itself', () => {
    const promptOf = (addsBos: boolean): unknown[] => {
      const [request] = play(
        itemOf((spec) => Object.assign(spec.models['target']!, { template: 'llama-3', addsBos })),
        [],
      ).requests;
      return [request?.body['prompt'], request?.body['add_special_tokens']];
    };
    expect(promptOf(false)).toEqual(['<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n', false]);
    expect(promptOf(true)).toEqual(['<|start_header_id|>user<|end_header_id|>\n\n', undefined]);
  });

  it('ends an instruction at its first line break only where the spec says so, whether or not the server does', () => {
    const change = (spec: RunSpecInput): void => void (spec.synthesis.extract.stopAtNewline = true);
    expect(play(itemOf(change), []).requests[0]?.body['stop']).toEqual(['\n', '<|im_end|>', '<|endoftext|>', '<|im_start|>']);
    const text = 'Sort this list:\n3, 1, 2';
    expect(outcome(itemOf(change), [replied([text])]).rows[0]?.text).toBe('Sort this list:');
    expect(outcome(itemOf(change), [replied([{ text, finishReason: 'length' }])]).rows[0]?.text).toBe('Sort this list:');
    expect(outcome(itemOf(), [replied([text])]).rows[0]?.text).toBe(text);
  });

  it('takes thoughts off that stand before an instruction, and does not take a run-on turn for one', () => {
    expect(outcome(itemOf(), [replied(['<think>a</think>\nHow deep is it?'])]).rows).toMatchObject([
      { text: 'How deep is it?', reasoning: 'a' },
    ]);
    const runOn = 'How deep is it?<|im_end|>\n<|im_start|>assistant\nDeep, I think.\n</think>\n\nVery.';
    expect(outcome(itemOf(), [replied([runOn])]).rows).toMatchObject([{ text: 'How deep is it?' }]);
    const item = itemOf((spec) => (spec.synthesis.extract.maxAttempts = 1));
    expect(outcome(item, [replied(['<think>a'])]).failures).toMatchObject([{ reason: 'unfinished thinking' }]);
  });

  it('asks with another seed for every instruction', () => {
    const seeds = itemsOf().map((item) => play(item, []).requests[0]?.body['seed']);
    expect(seeds).toEqual([seedOf(3, 0), seedOf(4, 0), seedOf(5, 0)]);
    expect(new Set(seeds).size).toBe(3);
  });

  it('takes a whole instruction at once', () => {
    const usage = { promptTokens: 3, completionTokens: 9 };
    expect(outcome(itemOf(), [replied(['  How do tides work? '], usage)])).toEqual({
      do: 'done',
      rows: [{ id: 'i0000003', text: 'How do tides work?', model: 'target', finishReason: 'stop', seed: seedOf(3, 0), attempts: 1, usage }],
      failures: [],
    });
  });

  it('cuts an instruction where another turn begins', () => {
    const { rows } = outcome(itemOf(), [
      replied([{ text: 'Name a tree.<|im_end|>\n<|im_start|>assistant\nOak.', finishReason: 'length' }]),
    ]);
    expect(rows).toMatchObject([{ text: 'Name a tree.', finishReason: 'length' }]);
  });

  it.each([
    ['empty', replied([''])],
    ['empty', replied(['<|im_end|>'])],
    ['truncated', replied([{ text: 'Write an essay about', finishReason: 'length' }])],
    ['content_filter', replied([{ text: 'Something', finishReason: 'content_filter' }])],
    ['tool_call', replied([{ text: '', finishReason: 'tool_calls' }])],
    ['no choices', answeredNothing],
  ])('asks again with another seed after a reply that is %s, and gives up with that reason', (reason, bad) => {
    const { requests, last } = play(itemOf(), [bad, bad, bad]);
    expect(requests.map(({ body }) => body['seed'])).toEqual([seedOf(3, 0), seedOf(3, 1), seedOf(3, 2)]);
    expect(new Set(requests.map(({ body }) => JSON.stringify({ ...body, seed: 0 }))).size).toBe(1);
    expect(last).toEqual({ do: 'done', rows: [], failures: [{ stage: 'extract', id: 'i0000003', model: 'target', reason, attempts: 3 }] });
  });

  it('keeps the seed, the usage and the number of the try that gave the text', () => {
    const usage = { promptTokens: 3, completionTokens: 5 };
    const { rows, failures } = outcome(itemOf(), [replied(['']), replied(['Name a tree.'], usage)]);
    expect(rows).toMatchObject([{ text: 'Name a tree.', attempts: 2, seed: seedOf(3, 1), usage }]);
    expect(failures).toEqual([]);
  });

  it('asks as often as the spec says', () => {
    const once = itemOf((spec) => (spec.synthesis.extract.maxAttempts = 1));
    expect(outcome(once, [replied([''])]).failures).toMatchObject([{ reason: 'empty', attempts: 1 }]);
  });

  it('names the last reason where the tries failed in different ways', () => {
    const { failures } = outcome(itemOf(), [replied(['']), answeredNothing, replied([{ text: 'cut', finishReason: 'length' }])]);
    expect(failures).toMatchObject([{ reason: 'truncated', attempts: 3 }]);
  });

  it('keeps a cut instruction where the spec accepts it', () => {
    const item = itemOf((spec) => (spec.synthesis.extract.acceptTruncated = true));
    expect(outcome(item, [replied([{ text: 'Write an essay about', finishReason: 'length' }])]).rows).toMatchObject([
      { text: 'Write an essay about', finishReason: 'length', attempts: 1 },
    ]);
  });

  it('is ended by a refusal, which is not asked again', () => {
    const long = `too\n long ${'x'.repeat(300)}`;
    const { rows, failures } = outcome(itemOf(), [replied(['']), refused(long)]);
    expect(rows).toEqual([]);
    expect(failures).toEqual([
      { stage: 'extract', id: 'i0000003', model: 'target', reason: `refused: too long ${'x'.repeat(191)}`, attempts: 2 },
    ]);
  });

  it('takes the same step for the same exchanges, whatever it was asked before', () => {
    const exchanges = [replied(['']), replied(['Name a tree.'])];
    const item = itemOf();
    const first = [0, 1, 2].map((count) => item.next(exchanges.slice(0, count)));
    const again = [2, 0, 1].map((count) => item.next(exchanges.slice(0, count)));
    const other = [0, 1, 2].map((count) => itemOf().next(exchanges.slice(0, count)));
    expect(again).toEqual([first[2], first[0], first[1]]);
    expect(other).toEqual(first);
  });
});

describe('the raw prompt of extraction', () => {
  const bodyWith = (template: RunSpecInput['models'][string]['template'], stop: string[] = []): Readonly<Record<string, unknown>> =>
    play(
      itemOf((spec) => {
        spec.models['target'] = { ...spec.models['target']!, template };
        spec.synthesis.extract.stop = stop;
      }),
      [],
    ).requests[0]!.body;

  it('tells the server to add no BOS where the template has one', () => {
    expect(bodyWith('llama-3')).toMatchObject({
      prompt: '<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n',
      add_special_tokens: false,
    });
  });

  it("is the paper's own text for llama-3-paper, to which the server adds its BOS", () => {
    const body = bodyWith('llama-3-paper');
    expect(body['prompt']).toBe('<|start_header_id|>user<|end_header_id|>');
    expect(body).not.toHaveProperty('add_special_tokens');
  });

  it('says nothing about special tokens where the family has no BOS', () => {
    expect(bodyWith('chatml')).not.toHaveProperty('add_special_tokens');
  });

  it('is a literal one where the spec writes it out', () => {
    expect(bodyWith({ preQuery: '### Human:\n', stop: ['###'] })).toMatchObject({ prompt: '### Human:\n', stop: ['###'] });
  });

  it('has four stop strings at most, those of the spec first and none twice', () => {
    expect(bodyWith('llama-3', ['END', '<|eot_id|>'])['stop']).toEqual(['END', '<|eot_id|>', '<|end_of_text|>', '<|start_header_id|>']);
    expect(bodyWith('chatml', ['a', 'b', 'c', 'd'])['stop']).toEqual(['a', 'b', 'c', 'd']);
  });
});
