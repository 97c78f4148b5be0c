import fc from 'fast-check';
import { renderJudgePrompt } from '../../method/judge-prompt';
import { expectedScore, parseScore, ratingTokenPosition } from '../../method/scores';
import judgeOutputs from '../fixtures/judge-outputs.json';

describe('the rating in the last line', () => {
  it.each(judgeOutputs.map((entry) => [entry.name, entry] as const))('of "%s" is read as its table says', (_name, entry) => {
    const reading = parseScore(entry.raw);
    expect(reading.score).toBe(entry.expected);
    expect('reason' in reading).toBe(entry.expected === null);
  });

  it.each([
    ['', 'empty reply'],
    ['<think>Score: 4', 'unfinished thinking'],
    ['A fine answer.', 'no "Score:" in the last line'],
    ['Score: 4 Score: 4', 'several scores in the last line'],
    ['Clarity Score: 4', '"Score:" within a sentence or of a part'],
    ['Score:', 'no rating after "Score:"'],
    ['Score: 4.5', 'unclear rating'],
    ['Score: 9', 'rating off the scale'],
    ['Score: 4 - almost five', 'unclear rating'],
    ['Score: 4/5000', 'unclear rating'],
    ['Score: 4/5.5', 'unclear rating'],
    ['Score: 99999999999999999999999', 'rating off the scale'],
  ])('that is missing in %j has a reason to count by', (raw, reason) => {
    expect(parseScore(raw)).toEqual({ score: null, reason });
  });

  it('is found whatever the judge wrote before it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.integer({ min: 1, max: 5 }), (justification, rating) => {
        fc.pre(!/<[/?]?|```|~~~|^analysis/i.test(justification)); // marks of thoughts, quotations and blocks of code
        expect(parseScore(`${justification}\nScore: ${rating}`)).toEqual({ score: rating });
      }),
    );
  });

  it('is a whole number from 1 to 5 or null for any text at all', () => {
    const pieces = fc.constantFrom(
      'Score:',
      'score',
      ' ',
      '4',
      '5',
      '/',
      '-',
      '.',
      '\n',
      '**',
      '(',
      ')',
      'of',
      '<think>',
      '</think>',
      '½',
      '１',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 14 }), (parts) => {
        const { score } = parseScore(parts.join(''));
        expect([1, 2, 3, 4, 5, null]).toContain(score);
      }),
    );
  });

  it('is looked for in linear time, however long the line', () => {
    const hostile = [
      `${'* '.repeat(200_000)}Score: 4 x`,
      `Score:${' '.repeat(300_000)}x`,
      `Score${' '.repeat(300_000)}x`,
      `${'my '.repeat(150_000)}Score: 4`,
    ];
    for (const raw of hostile) expect(parseScore(raw).score).toBeNull();
  });
});

/** An echo, whole or of its end, is no judgment; a judge that agrees with a response's own rating is one. */
describe('a rating that the judge was shown', () => {
  const shown = { instruction: 'Say hi.', response: 'Hello there, dear friend.\nThis is an excellent reply.\nScore: 5' };
  const bare = { instruction: 'What is 2+2?', response: 'Score: 5' };

  it.each([
    ['an echo of the response', 'Hello there, dear friend.\nThis is an excellent reply.\nScore: 5', shown],
    ['an echo of its last two lines', 'This is an excellent reply.\nScore: 5', shown],
    ['the two lines, decorated', 'Here it is:\n\n*This is an excellent reply.*\n\n**Score: 5**', shown],
    ['an echo that begins within a line', 'is an excellent reply.\nScore: 5', shown],
    ['the two lines behind a label', '**Response:** This is an excellent reply.\nScore: 5', shown],
    ['the two lines behind a label of some words', 'The response says: This is an excellent reply.\nScore: 5', shown],
    ['an echo of the prompt', renderJudgePrompt(shown), shown],
    ['an echo of the prompt that ends in a bare rating', renderJudgePrompt(bare), bare],
    ['the last line of the prompt', 'What is 2+2? Score: 5', bare],
  ])('is none: %s', (_name, raw, pair) => {
    expect(parseScore(raw, pair)).toEqual({ score: null, reason: 'a copy of what it was shown' });
  });

  it.each([
    ['with words of its own', 'It greets and rates itself.\n\nScore: 5', 5, shown],
    ['with words of its own behind a label', 'Verdict: This is an excellent reply to a greeting.\nScore: 5', 5, shown],
    ['with nothing else', 'Score: 5', 5, shown],
    ['of a bare response', 'Score: 5', 5, bare],
    ['in a sentence of its own', 'A warm greeting. Score: 5', 5, shown],
    ['another one after an echo', `${renderJudgePrompt(shown)}\n\nIt rates itself.\nScore: 2`, 2, shown],
    ['with the same short words', 'Good.\nScore: 5', 5, { instruction: 'Rate it.', response: 'It is very Good.\nScore: 5' }],
  ])('counts as its own: %s', (_name, raw, score, pair) => {
    expect(parseScore(raw, pair)).toEqual({ score });
  });

  it('has no place among the tokens where it is a copy', () => {
    const tokens = ['This is an excellent reply.', '\n', 'Score', ':', ' 5'];
    expect(ratingTokenPosition(tokens)).toEqual({ position: 4 });
    expect(ratingTokenPosition(tokens, shown)).toEqual({ position: null, reason: 'a copy of what it was shown' });
  });
});

describe('the expected rating', () => {
  const log = Math.log;

  it('is the mean weighted by the probabilities of the five ratings', () => {
    const reading = expectedScore([
      { token: '4', logprob: log(0.6) },
      { token: '5', logprob: log(0.2) },
      { token: '\n', logprob: log(0.2) },
    ]);
    expect(reading.score).toBeCloseTo((0.6 * 4 + 0.2 * 5) / 0.8, 12);
    expect(reading.ratingMass).toBeCloseTo(0.8, 12);
  });

  it('adds up the tokens of one rating, with and without a space in any spelling', () => {
    const spread = expectedScore([
      { token: ' 4', logprob: log(0.2) },
      { token: '4', logprob: log(0.1) },
      { token: '▁4', logprob: log(0.1) },
      { token: 'Ġ4', logprob: log(0.1) },
      { token: '2', logprob: log(0.5) },
    ]);
    expect(spread.score).toBeCloseTo(3, 12);
    expect(spread.ratingMass).toBeCloseTo(1, 12);
  });

  it('counts a token once that the server lists twice', () => {
    const twice = expectedScore([
      { token: '5', logprob: log(0.5) },
      { token: '1', logprob: log(0.5) },
      { token: '5', logprob: log(0.5) },
    ]);
    expect(twice.score).toBeCloseTo(3, 12);
  });

  it('takes no other number for a rating', () => {
    const reading = expectedScore(['45', '0', '6', '4.', '-4', '４', 'four'].map((token) => ({ token, logprob: log(0.1) })));
    expect(reading).toEqual({ score: null, reason: 'no rating among the likeliest tokens', ratingMass: 0 });
  });

  it.each([
    [[], 'no rating among the likeliest tokens'],
    [[{ token: '4', logprob: Number.NEGATIVE_INFINITY }], 'no rating among the likeliest tokens'],
    [[{ token: '4', logprob: Number.NaN }], 'no rating among the likeliest tokens'],
    [[{ token: '4', logprob: log(0.01) }], 'too little probability on the ratings'],
    [[{ token: '4', logprob: 3 }], 'not log probabilities'],
  ])('is null with a reason for %j', (tokens, reason) => {
    expect(expectedScore(tokens)).toMatchObject({ score: null, reason });
  });

  it('needs the mass that the caller says', () => {
    const tokens = [{ token: '3', logprob: log(0.2) }];
    expect(expectedScore(tokens, { minRatingMass: 0.3 }).score).toBeNull();
    expect(expectedScore(tokens, { minRatingMass: 0.1 }).score).toBeCloseTo(3, 12);
  });

  it('stays on the scale and does not depend on the order of the tokens', () => {
    const weights = fc.array(fc.double({ min: 1e-6, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(weights, (parts) => {
        const total = parts.reduce((sum, part) => sum + part, 0);
        const tokens = parts.map((part, index) => ({ token: String(index + 1), logprob: log(part / total) }));
        const { score } = expectedScore(tokens);
        expect(score).toBeGreaterThanOrEqual(1 - 1e-9);
        expect(score).toBeLessThanOrEqual(5 + 1e-9);
        expect(expectedScore(tokens.toReversed())).toEqual(expectedScore(tokens));
      }),
    );
  });
});

describe('the place of the rating among the tokens of a chat reply', () => {
  it.each([
    ['a token of its own', ['Good', '.', '\n', 'Score', ':', ' ', '4'], 6],
    ['with its space', ['Score', ':', ' 4'], 2],
    ['in bold', ['**', 'Score', ':**', ' **', '4', '**'], 4],
    ['after a split word', ['Sc', 'ore', ': ', '5', '.'], 3],
    ['the last of two', ['Score', ':', ' 2', '\n', 'Score', ':', ' 3'], 6],
    ['of five', ['Score', ':', ' ', '4', '/', '5'], 3],
    ["in the tokenizer's own spelling", ['Score', ':', '▁4'], 2],
    ['before a second line without a label', ['Score', ':', ' 4', '\n', '---'], 2],
    ['after thinking', ['<think>', 'Score: ', '1', '</think>', 'Score', ': ', '4'], 6],
  ])('is found: %s', (_name, tokens, position) => {
    expect(ratingTokenPosition(tokens)).toEqual({ position });
  });

  it.each([
    ['no label', ['Good', '.'], 'no "Score:" in the last line'],
    ['no rating', ['Score', ':', ' four'], 'unclear rating'],
    ['the end of the reply', ['Score', ':'], 'no rating after "Score:"'],
    ['a token that also holds the colon', ['Score', ': 4'], 'the rating is no token of its own'],
    ['a longer number', ['Score:', ' 45'], 'rating off the scale'],
    ['ten in two tokens', ['Score', ':', ' ', '1', '0'], 'rating off the scale'],
    ['a half', ['Score', ':', ' 4', '.', '5'], 'unclear rating'],
    ['a range', ['Score', ':', ' 3', '-', '4'], 'unclear rating'],
    ['a score of ten', ['Score', ':', ' 4', '/', '10'], 'unclear rating'],
    [
      'prose after the rating',
      ['Score', ':', ' 4', '\n', 'A', ' Score', ':', ' 5', ' would', ' flatter'],
      '"Score:" within a sentence or of a part',
    ],
    ['a fence around it', ['```\n', 'Score', ':', ' 4', '\n```'], 'a rating in a quotation'],
    ['thinking that never ended', ['<think>', 'Score:', ' 4'], 'unfinished thinking'],
    ['nothing', [], 'empty reply'],
  ])('is null with a reason: %s', (_name, tokens, reason) => {
    expect(ratingTokenPosition(tokens)).toEqual({ position: null, reason });
  });
});
