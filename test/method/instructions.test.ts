import fc from 'fast-check';
import { checkResponse, cleanInstruction } from '../../method/instructions';
import { resolveTemplate, templateNames } from '../../method/templates';

const chatml = resolveTemplate('chatml');
const llama = resolveTemplate('llama-3-paper');

describe('an extracted instruction', () => {
  it('is the whole text, all its lines, without the white space around it', () => {
    const raw = '\n\nSort this list:\n\n- pear\n- apple\n\n  Explain each step.  \n';
    expect(cleanInstruction(raw, 'stop', llama)).toEqual({
      text: 'Sort this list:\n\n- pear\n- apple\n\n  Explain each step.',
      truncated: false,
    });
  });

  it.each([
    ['the end-of-turn token', 'What is rain?<|im_end|>\n'],
    ['the answer that the model gave itself', 'What is rain?<|im_end|>\n<|im_start|>assistant\nRain is water.'],
    ['another header without an end', 'What is rain?\n<|im_start|>assistant\nRain is water.'],
    ['the end of the text', 'What is rain?<|endoftext|>More text'],
    ['leaked tokens in front', '<|endoftext|><|im_end|>\nWhat is rain?'],
  ])('ends before %s', (_name, raw) => {
    expect(cleanInstruction(raw, 'stop', chatml)).toEqual({ text: 'What is rain?', truncated: false });
  });

  it("ends before a plain-word header only where the family's turns begin with one", () => {
    const raw = 'Who wrote this?\n\nAssistant: I did.';
    expect(cleanInstruction(raw, 'stop', resolveTemplate('deepseek-v2'))).toEqual({ text: 'Who wrote this?', truncated: false });
    expect(cleanInstruction(raw, 'stop', chatml)).toEqual({ text: raw, truncated: false });
    const inside = 'Write a chat between User: and Assistant: please';
    expect(cleanInstruction(inside, 'stop', resolveTemplate('deepseek-v2'))).toEqual({ text: inside, truncated: false });
  });

  it('loses the rest of a header that the pre-query template left open', () => {
    expect(cleanInstruction('<|end_header_id|>\n\nName a bird.', 'stop', llama)).toEqual({ text: 'Name a bird.', truncated: false });
  });

  it.each(['', '  \n\t', '<|im_end|>', '<|im_start|>assistant\nHello', '\u0000\u200b'.slice(0, 1)])('is empty in %j', (raw) => {
    expect(cleanInstruction(raw, 'stop', chatml)).toEqual({ rejected: 'empty' });
  });

  it('that was cut at the token limit is rejected, or kept and marked, as the policy says', () => {
    expect(cleanInstruction('Write a long', 'length', chatml)).toEqual({ rejected: 'truncated' });
    expect(cleanInstruction('Write a long', 'length', chatml, { acceptTruncated: true })).toEqual({
      text: 'Write a long',
      truncated: true,
    });
  });

  it('is whole when the limit cut only the turn after it', () => {
    const raw = 'What is rain?<|im_end|>\n<|im_start|>assistant\nRain is wat';
    expect(cleanInstruction(raw, 'length', chatml)).toEqual({ text: 'What is rain?', truncated: false });
  });

  it('that is empty at the token limit counts as empty', () => {
    expect(cleanInstruction('\n\n\n', 'length', chatml)).toEqual({ rejected: 'empty' });
  });

  it.each([
    ['content_filter', 'content_filter'],
    ['tool_calls', 'tool_call'],
    ['function_call', 'tool_call'],
  ] as const)('is rejected when the reply ended by %s', (finishReason, rejected) => {
    expect(cleanInstruction('What is rain?', finishReason, chatml)).toEqual({ rejected });
  });

  it('is kept when the endpoint says no finish reason', () => {
    expect(cleanInstruction('What is rain?', null, chatml)).toEqual({ text: 'What is rain?', truncated: false });
  });

  it('has no control characters, no half characters and plain line ends', () => {
    expect(cleanInstruction('\ufeffA\u0000\u0007\tB\r\nC\rD \ud83d E \ud83d\ude00', 'stop', chatml)).toEqual({
      text: 'A\tB\nC\nD \ufffd E \ud83d\ude00',
      truncated: false,
    });
  });

  it('has no special token that only taking out another one makes whole', () => {
    const raw = '<|endof<|endoftext|>text|>Name a <|end<|end_header_id|>_header_id|>bird.';
    const template = { stop: [], headers: [], specialTokens: ['<|endoftext|>', '<|end_header_id|>'] };
    expect(cleanInstruction(raw, 'stop', template)).toEqual({ text: 'Name a bird.', truncated: false });
  });

  it('is clean already when it was cleaned before, for any text and any family', () => {
    const marks = templateNames().flatMap((name) => {
      const { stop, headers, specialTokens } = resolveTemplate(name);
      return [...stop, ...headers, ...specialTokens];
    });
    const piece = fc.oneof(fc.constantFrom(...new Set(marks)), fc.string(), fc.constantFrom('\n', ' ', '\ud800', '\r'));
    fc.assert(
      fc.property(fc.constantFrom(...templateNames()), fc.array(piece, { maxLength: 8 }), (name, parts) => {
        const template = resolveTemplate(name);
        const reading = cleanInstruction(parts.join(''), 'stop', template);
        if ('rejected' in reading) return;
        expect(Buffer.from(reading.text, 'utf8').toString('utf8')).toBe(reading.text);
        expect(cleanInstruction(reading.text, 'stop', template)).toEqual(reading);
        for (const mark of template.specialTokens) expect(reading.text).not.toContain(mark);
      }),
    );
  });
});

describe('a response', () => {
  it('is kept as it is but for the white space around it', () => {
    expect(checkResponse('\n Two\n\nparagraphs <b>here</b>. \n', 'stop')).toEqual({
      text: 'Two\n\nparagraphs <b>here</b>.',
      truncated: false,
    });
  });

  it('that was cut at the token limit is kept and marked, or rejected when the policy says so', () => {
    expect(checkResponse('Two par', 'length')).toEqual({ text: 'Two par', truncated: true });
    expect(checkResponse('Two par', 'length', { acceptTruncated: false })).toEqual({ rejected: 'truncated' });
  });

  it.each([
    ['', 'stop', 'empty'],
    [' \n', 'length', 'empty'],
    ['I cannot', 'content_filter', 'content_filter'],
    ['', 'tool_calls', 'tool_call'],
  ] as const)('%j that ended by %s is rejected as %s', (text, finishReason, rejected) => {
    expect(checkResponse(text, finishReason)).toEqual({ rejected });
  });

  it('has nothing that UTF-8 cannot hold', () => {
    expect(checkResponse('a\udc00b\u0000', 'stop')).toEqual({ text: 'a\ufffdb', truncated: false });
  });
});
