import { afterThoughts, closingOfPrompt, splitThoughts } from '../../method/thoughts';

/**
 * What models write around their thoughts, from their chat templates and model cards and from the reasoning parsers of vLLM and
 * SGLang: DeepSeek R1, Qwen3 and GLM (`<think>`), Mistral's Magistral (`[THINK]`), Kimi (`◁think▷`), EXAONE Deep and Gemini
 * (`<thought>`), Reka Flash (`<reasoning>`), Seed-OSS, Cohere Command A, OpenThinker, Gemma 4, gpt-oss (harmony), Granite 3.2,
 * Apriel.
 */
describe('thoughts in a reply', () => {
  it('are taken off where the prompt opened them in words', () => {
    const closed = { reasoning: 'a', unfinished: false };
    expect(splitThoughts('a\n[BEGIN FINAL RESPONSE]\nB\n[END FINAL RESPONSE]', true)).toMatchObject(closed);
    expect(splitThoughts('a\n[BEGIN FINAL RESPONSE]\nB\n[END FINAL RESPONSE]', true).text.trim()).toBe('B');
    expect(splitThoughts('a, still', true)).toEqual({ text: '', reasoning: 'a, still', unfinished: true });
    expect(closingOfPrompt('<|begin_assistant|>\nHere are my reasoning steps:\n')).toBe('[BEGIN FINAL RESPONSE]');
  });

  it.each([
    ['<think>a</think>\n\nB', 'a'],
    ['<think>\na\n</think>B', 'a'],
    ['\n<THINK>a</THINK>B', 'a'],
    ['<thinking>a</thinking>B', 'a'],
    ['[THINK]a[/THINK]B', 'a'],
    ['◁think▷a◁/think▷B', 'a'],
    ['<thought>a</thought>\nB', 'a'],
    ['<reasoning>a</reasoning>\nB', 'a'],
    ['<seed:think>a</seed:think>B', 'a'],
    ['<mm:think>a</mm:think>B', 'a'],
    ['<think:opensource>a</think:opensource>B', 'a'],
    ['<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>B<|END_RESPONSE|>', 'a'],
    ['<|begin_of_thought|>a<|end_of_thought|>\n<|begin_of_solution|>B<|end_of_solution|>', 'a'],
    ['<|channel>thought\na<channel|>B', 'a'],
    ['<think>a</think>\n<answer>\nB\n</answer>', 'a'],
    ['<|im_start|>assistant\n<think>a</think>B', 'a'],
    ['<think>a</think><think>c</think>B', 'a\n\nc'],
    ['<think>`</think>` ends it</think>B', '`</think>` ends it'],
    ['<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>', 'a'],
    [
      '<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary<|message|>c<|end|><|start|>assistant<|channel|>final<|message|>B',
      'a\n\nc',
    ],
    ['analysisWe need B.assistantfinalB', 'We need B.'],
    ['Here is my thought process:\na\n\nHere is my response:\nB', 'a'],
    ['Here are my reasoning steps:\na\n[BEGIN FINAL RESPONSE]\nB\n[END FINAL RESPONSE]', 'a'],
  ])('are taken off: %j', (raw, reasoning) => {
    const split = splitThoughts(raw);
    expect({ ...split, text: split.text.trim() }).toEqual({ text: 'B', reasoning, unfinished: false });
  });

  it.each([
    ['So it must be B.\n</think>\n\nB', 'So it must be B.'],
    ['So it must be B.</think>B', 'So it must be B.'],
    ['So it must be B. </think>\n\nB', 'So it must be B.'],
    ['They ask about <think> tags.\n</think>\n\nB', 'They ask about <think> tags.'],
    ['a[/THINK]B', 'a'],
    ['a</seed:think>B', 'a'],
  ])('are taken off where the prompt opened them: %j', (raw, reasoning) => {
    const split = splitThoughts(raw);
    expect({ ...split, text: split.text.trim() }).toEqual({ text: 'B', reasoning, unfinished: false });
  });

  it.each(['<think>\n\n</think>\n\nB', '</think>\n\nB', '<think></think>B'])('may be empty: %j', (raw) => {
    expect(splitThoughts(raw)).toEqual({ text: expect.stringMatching(/^\s*B$/) as string, unfinished: false });
  });

  it.each([
    '<think>a',
    '[THINK]a',
    '◁think▷a',
    '<reasoning>\na\n</think>',
    '<|channel|>analysis<|message|>a',
    '<|channel|>analysis<|message|>a<|end|><|start|>assistant',
    'analysisWe need a',
    '<think>one</think><think>a',
  ])('may have no end: %j', (raw) => {
    expect(splitThoughts(raw)).toMatchObject({ text: '', reasoning: expect.stringContaining('a') as string, unfinished: true });
  });

  it('may be all that there is', () => {
    expect(splitThoughts('<think>a</think>\n')).toEqual({ text: '\n', reasoning: 'a', unfinished: false });
  });

  it.each([
    'The tag </think> closes a thought.',
    'Models end their thoughts with </think>.',
    'It writes </think>\nand goes on.',
    'Use `<think>` and `</think>`.',
    '`<think>` opens a thought.',
    'Write:\n<think>\nx\n</think>\n\nThen answer.',
    '```\nx\n</think>\n```\nThat was it.',
    'The marks "[THINK]" and "[/THINK]" are Mistral\'s.',
    'analysis of variance compares means.',
    'Here are my reasoning steps:\n1. a',
    'Plain.',
    '',
  ])('are not what an answer merely talks of: %j', (raw) => {
    expect(splitThoughts(raw)).toEqual({ text: raw, unfinished: false });
  });

  it('are all of a reply whose prompt is known to open them, up to their end', () => {
    expect(splitThoughts('still at it', true)).toEqual({ text: '', reasoning: 'still at it', unfinished: true });
    expect(splitThoughts('done </think> B', true)).toEqual({ text: ' B', reasoning: 'done', unfinished: false });
    expect(splitThoughts('<think>done</think>B', true)).toEqual({ text: 'B', reasoning: 'done', unfinished: false });
  });

  it('are found in linear time', () => {
    for (const raw of [
      '</think>'.repeat(50_000),
      '<think>'.repeat(50_000),
      ' '.repeat(300_000),
      '`</think> '.repeat(30_000),
      '<'.repeat(300_000),
    ]) {
      expect(splitThoughts(raw).text.length).toBeLessThanOrEqual(raw.length);
    }
  });
});

it.each([
  ['<|im_start|>assistant\n<think>\n', '</think>'],
  ['<|Assistant|><think>', '</think>'],
  ['[/INST][THINK]', '[/THINK]'],
  ['◁think▷', '◁/think▷'],
  ['<|START_RESPONSE_TOKEN|><|START_THINKING|>', '<|END_THINKING|>'],
  ['<|open|>think<|sep|>', '<|close|>think<|sep|>'],
  ['<|channel>thought\n', '<channel|>'],
  ['<|im_start|>assistant\n<think>\n\n</think>\n\n', undefined],
  ['<|im_start|>assistant\n', undefined],
])('a prompt that ends in %j has its thoughts closed by %j', (prompt, closing) => {
  expect(closingOfPrompt(prompt)).toBe(closing);
});

describe('what a judge says after its thoughts', () => {
  it.each([
    ['<think>a</think>B', 'B'],
    ['a </think> is in it </think> B', ' B'],
    ['B', 'B'],
    ['It shows a <think> tag. B', 'It shows a <think> tag. B'],
    ['<think>a', null],
    ['B\n<think>\na', null],
  ])('of %j is %j', (raw, said) => {
    expect(afterThoughts(raw)).toBe(said);
  });
});
