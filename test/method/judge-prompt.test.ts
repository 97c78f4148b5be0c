import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { JUDGE_PROMPT, renderJudgePrompt } from '../../method/judge-prompt';

const table2 = readFileSync(join(__dirname, '../fixtures/table-2.txt'), 'utf8').replace(/\n$/, '');

describe('the judge prompt', () => {
  it("is the paper's Table 2, character for character", () => {
    expect(JUDGE_PROMPT).toBe(table2);
  });

  it('has both texts where the placeholders stood, and nothing else changed', () => {
    const prompt = renderJudgePrompt({ instruction: 'Name a prime.', response: 'Seven.' });
    expect(prompt).toBe(table2.replace('<generated instruction> <output>', 'Name a prime. Seven.'));
    expect(prompt).toContain('write "Score: <rating>" in the last line');
  });

  it('inserts texts that look like placeholders or patterns as they are', () => {
    const prompt = renderJudgePrompt({ instruction: 'Explain <output> and $&.', response: 'See <generated instruction>, $1, $`.' });
    expect(prompt.endsWith('\n\nExplain <output> and $&. See <generated instruction>, $1, $`.')).toBe(true);
  });

  it('keeps the line breaks of both texts', () => {
    expect(renderJudgePrompt({ instruction: 'a\n\nb', response: 'c\r\nd' }).endsWith('a\n\nb c\r\nd')).toBe(true);
  });
});
