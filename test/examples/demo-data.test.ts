import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { IFEVAL_INSTRUCTIONS } from '../../services/data/ifeval-rules';

const demoDir = join(__dirname, '../../examples/demo');

/** Every line of a JSONL file of the demo, checked against `schema`; the error names the file and the line. */
function readRows<T>(file: string, schema: z.ZodType<T>): T[] {
  const text = readFileSync(join(demoDir, file), 'utf8');
  if (!text.endsWith('\n')) throw new Error(`${file} does not end with a newline`);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line, index) => {
      const parsed = schema.safeParse(JSON.parse(line));
      if (!parsed.success) throw new Error(`${file}:${index + 1}: ${z.prettifyError(parsed.error)}`);
      return parsed.data;
    });
}

const text = z
  .string()
  .min(1)
  .refine((value) => value === value.trim(), 'has white space around it')
  .refine((value) => value === value.normalize('NFC'), 'is not in NFC');

const normalised = (value: string) =>
  value
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
const words = (value: string) => value.split(/\s+/).length;

/** The values that say the same as an earlier one, but for case and punctuation. */
function repeats(values: readonly string[]): string[] {
  const keys = values.map(normalised);
  return values.filter((_, i) => keys.indexOf(keys[i] ?? '') < i);
}

describe('new-data.jsonl', () => {
  const message = z.strictObject({ role: z.enum(['user', 'assistant']), content: text });
  const rows = readRows('new-data.jsonl', z.strictObject({ messages: z.array(message).min(2) }));
  const contents = (role: 'user' | 'assistant') => rows.flatMap((row) => row.messages.filter((m) => m.role === role).map((m) => m.content));

  it('holds 30 conversations of one turn and 10 of two', () => {
    expect(rows.filter((row) => row.messages.length === 2)).toHaveLength(30);
    expect(rows.filter((row) => row.messages.length === 4)).toHaveLength(10);
    expect(rows).toHaveLength(40);
  });

  it('alternates user and assistant, from a user to an assistant', () => {
    for (const { messages } of rows) {
      expect(messages.map((m) => m.role)).toEqual(messages.map((_, i) => (i % 2 === 0 ? 'user' : 'assistant')));
      expect(messages.at(-1)?.role).toBe('assistant');
    }
  });

  it('repeats no question and no answer', () => {
    expect(repeats(contents('user'))).toEqual([]);
    expect(repeats(contents('assistant'))).toEqual([]);
  });

  it('answers at the length that the README promises', () => {
    const lengths = contents('assistant').map(words);
    const readme = readFileSync(join(demoDir, 'README.md'), 'utf8');
    expect(readme).toContain(`${Math.min(...lengths)} to ${Math.max(...lengths)} words`);
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(60);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(180);
  });

  it('mixes both kinds of conversation in any eight lines, so that a head of the file is varied', () => {
    for (let start = 0; start + 8 <= rows.length; start += 1) {
      const twoTurns = rows.slice(start, start + 8).filter((row) => row.messages.length === 4);
      expect(twoTurns).toHaveLength(2);
    }
  });
});

describe('eval/mmlu_pro', () => {
  const categories = [
    'biology',
    'business',
    'chemistry',
    'computer science',
    'economics',
    'engineering',
    'health',
    'history',
    'law',
    'math',
    'other',
    'philosophy',
    'physics',
    'psychology',
  ] as const;
  const schema = z.strictObject({
    question_id: z.int(),
    question: text,
    options: z.array(text).min(4).max(10),
    answer: z.string().regex(/^[A-J]$/),
    answer_index: z.int().min(0),
    cot_content: z.string(),
    category: z.enum(categories),
    src: text,
  });
  const test = readRows('eval/mmlu_pro/test.jsonl', schema);
  const validation = readRows('eval/mmlu_pro/validation.jsonl', schema);
  const all = [...validation, ...test];

  it('has 8 questions and the 5 examples that the task puts before each', () => {
    expect(test).toHaveLength(8);
    expect(validation).toHaveLength(5);
  });

  it('names the same option by letter and by index', () => {
    for (const row of all) {
      expect(row.answer_index).toBeLessThan(row.options.length);
      expect(row.answer).toBe('ABCDEFGHIJ'[row.answer_index]);
    }
  });

  it('repeats no id, no question, and no option of a question', () => {
    expect(new Set(all.map((row) => row.question_id)).size).toBe(all.length);
    expect(repeats(all.map((row) => row.question))).toEqual([]);
    for (const row of all) expect(new Set(row.options).size).toBe(row.options.length);
  });

  it('explains the answers of the examples, and of the examples only', () => {
    for (const row of validation) {
      expect(row.cot_content).toMatch(/^A: Let's think step by step\. /);
      expect(row.cot_content.endsWith(`The answer is (${row.answer}).`)).toBe(true);
    }
    expect(test.map((row) => row.cot_content)).toEqual(test.map(() => ''));
  });

  it('does not let one letter answer everything', () => {
    expect(new Set(test.map((row) => row.answer)).size).toBeGreaterThanOrEqual(4);
  });

  it('keeps the five-shot prompt short enough for a small model on a CPU', () => {
    const shown = (row: (typeof all)[number], answer: string) =>
      `${row.question}\n${row.options.map((option, i) => `${'ABCDEFGHIJ'[i]}. ${option}\n`).join('')}Answer:${answer}`;
    const examples = validation.map((row) => shown(row, ` ${row.answer}`)).join('\n\n');
    for (const row of test) expect(`${examples}\n\n${shown(row, '')}`.length).toBeLessThan(1_500);
  });
});

describe('eval/gpqa', () => {
  const rows = readRows(
    'eval/gpqa/train.jsonl',
    z.strictObject({
      Question: text,
      'Correct Answer': text,
      'Incorrect Answer 1': text,
      'Incorrect Answer 2': text,
      'Incorrect Answer 3': text,
      Explanation: text,
      Subdomain: text,
      "Writer's Difficulty Estimate": text,
      'Record ID': text,
      'High-level domain': z.enum(['Biology', 'Chemistry', 'Physics']),
    }),
  );
  const choices = (row: (typeof rows)[number]) => [
    row['Correct Answer'],
    row['Incorrect Answer 1'],
    row['Incorrect Answer 2'],
    row['Incorrect Answer 3'],
  ];

  it('has 8 questions with an id each', () => {
    expect(rows).toHaveLength(8);
    expect(new Set(rows.map((row) => row['Record ID'])).size).toBe(8);
    expect(repeats(rows.map((row) => row.Question))).toEqual([]);
  });

  it('offers four different choices, none of which the task code would cut', () => {
    for (const row of rows) {
      expect(new Set(choices(row)).size).toBe(4);
      // lm-eval removes whatever stands in square brackets and joins double spaces.
      for (const choice of choices(row)) expect(choice).not.toMatch(/[[\]]| {2}/);
    }
  });
});

describe('eval/ifeval', () => {
  const count = z.int().positive().nullable();
  const relation = z.enum(['less than', 'at least']).nullable();
  const phrase = text.nullable();
  const phrases = z.array(text).min(1).nullable();
  const kwargs = z.strictObject({
    num_highlights: count,
    relation,
    num_words: count,
    num_placeholders: count,
    prompt_to_repeat: phrase,
    num_bullets: count,
    section_spliter: phrase,
    num_sections: count,
    capital_relation: relation,
    capital_frequency: count,
    keywords: phrases,
    num_paragraphs: count,
    language: phrase,
    let_relation: relation,
    letter: phrase,
    let_frequency: count,
    end_phrase: phrase,
    forbidden_words: phrases,
    keyword: phrase,
    frequency: count,
    num_sentences: count,
    postscript_marker: phrase,
    first_word: phrase,
    nth_paragraph: count,
  });
  const rows = readRows(
    'eval/ifeval/train.jsonl',
    z.strictObject({
      key: z.int(),
      prompt: text,
      instruction_id_list: z.array(z.enum(Object.keys(IFEVAL_INSTRUCTIONS))).min(1),
      kwargs: z.array(kwargs).min(1),
    }),
  );

  it('has 6 prompts with 10 instructions, of one, two and three a prompt', () => {
    expect(rows).toHaveLength(6);
    expect(rows.reduce((sum, row) => sum + row.instruction_id_list.length, 0)).toBe(10);
    expect(new Set(rows.map((row) => row.instruction_id_list.length))).toEqual(new Set([1, 2, 3]));
    expect(new Set(rows.map((row) => row.key)).size).toBe(6);
    expect(repeats(rows.map((row) => row.prompt))).toEqual([]);
  });

  it('gives each instruction exactly the arguments that its checker takes', () => {
    for (const row of rows) {
      expect(row.kwargs).toHaveLength(row.instruction_id_list.length);
      row.instruction_id_list.forEach((id, i) => {
        const given = Object.entries(row.kwargs[i] ?? {}).filter(([, value]) => value !== null);
        expect(given.map(([name]) => name).sort()).toEqual([...(IFEVAL_INSTRUCTIONS[id] ?? [])].sort());
      });
    }
  });

  it('asks in the prompt for every word, number and phrase that the checker looks for', () => {
    for (const row of rows) {
      const wanted = row.kwargs
        .flatMap((args) => Object.entries(args))
        // "less than" may be asked in other words; the number beside it may not.
        .filter(([name, value]) => name !== 'relation' && value !== null)
        .flatMap(([, value]) => value)
        .map(String);
      expect(wanted.filter((value) => !row.prompt.includes(value))).toEqual([]);
    }
  });
});

describe('eval/math', () => {
  const subjects = [
    'Algebra',
    'Counting & Probability',
    'Geometry',
    'Intermediate Algebra',
    'Number Theory',
    'Prealgebra',
    'Precalculus',
  ] as const;
  const rows = readRows(
    'eval/math/test.jsonl',
    z.strictObject({ problem: text, level: z.string().regex(/^Level [1-5]$/), type: z.enum(subjects), solution: text }),
  );

  it('has 6 problems, of which the Level 5 filter keeps 4, each of another subject', () => {
    const kept = rows.filter((row) => row.level === 'Level 5');
    expect(rows).toHaveLength(6);
    expect(kept).toHaveLength(4);
    expect(new Set(kept.map((row) => row.type)).size).toBe(4);
    expect(
      rows
        .filter((row) => row.level !== 'Level 5')
        .map((row) => row.level)
        .sort(),
    ).toEqual(['Level 3', 'Level 4']);
    expect(repeats(rows.map((row) => row.problem))).toEqual([]);
  });

  it('boxes exactly one answer in each solution, outside the problem', () => {
    for (const row of rows) {
      // No answer here nests braces, so the simple pattern is exact.
      expect(row.solution.match(/\\boxed\{[^{}]+\}/g)).toHaveLength(1);
      expect(row.problem).not.toContain('boxed');
    }
  });

  it('closes every dollar sign', () => {
    for (const row of rows) {
      expect((row.problem.match(/\$/g) ?? []).length % 2).toBe(0);
      expect((row.solution.match(/\$/g) ?? []).length % 2).toBe(0);
    }
  });
});
