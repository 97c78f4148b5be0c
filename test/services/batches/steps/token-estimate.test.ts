import { estimateTokens } from '../../../../services/batches/steps/token-estimate';

describe('estimated tokens', () => {
  it.each([
    ['', 0],
    ['abc', 1],
    ['abcd', 1],
    ['abcde', 2],
  ])('of %j are %i', (text, tokens) => {
    expect(estimateTokens(text)).toBe(tokens);
  });
});
