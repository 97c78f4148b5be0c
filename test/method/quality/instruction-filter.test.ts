import fc from 'fast-check';
import { instructionId } from '../../../method/ids';
import { ContaminationIndex, FEWEST_WORDS } from '../../../method/quality/contamination';
import { DROP_REASONS, InstructionFilter, type QualityRules } from '../../../method/quality/instruction-filter';
import { FEWEST_LETTERS, foreignLanguage, type LanguageGuess } from '../../../method/quality/language';
import { lengthProblem } from '../../../method/quality/length';
import { assistantTalk } from '../../../method/quality/refusals';

const QUESTION = 'A star that radiates as a black body shrinks to half its radius while its surface temperature doubles.';

describe('lengths', () => {
  it.each([
    ['', { minWords: 1 }, 'too short'],
    ['one two', { minWords: 3 }, 'too short'],
    ['one two three', { minWords: 3 }, undefined],
    ['abc', { minChars: 4 }, 'too short'],
    ['𝒳𝒴𝒵', { minChars: 4 }, 'too short'],
    ['one\ntwo', { maxWords: 1 }, 'too long'],
    ['abcde', { maxChars: 4 }, 'too long'],
    ['anything', {}, undefined],
  ])('of %j with %j are %s', (text, rules, reason) => {
    expect(lengthProblem(text, rules)?.reason).toBe(reason);
  });
});

describe('the words of an assistant', () => {
  it.each([
    "I'm sorry, but I can't help with that.",
    'I’m sorry, I cannot assist you with this request.',
    'I am very sorry but as an AI I have no access to your files.',
    'Sorry, but I am unable to do that.',
    'I apologize, but I cannot provide that.',
    "I apologize for the confusion, but I can't open links.",
    "I cannot fulfill your request. I'm just an AI.",
    "I can't help with that.",
    'As an AI language model, I do not have feelings.',
    'As a responsible AI, I must point out that this is illegal.',
    "I'm just an AI, I don't have personal opinions.",
    'It is not appropriate to provide such content.',
  ])('%j is a refusal', (text) => {
    expect(assistantTalk(text)).toBe('refusal');
  });

  it.each([
    'Hello! How can I assist you today?',
    'How may I help you?',
    'Hi there!',
    'Hello',
    "Hi! I'm here to help.",
    "Sure! I'd be happy to help.",
    'Thank you!',
  ])('%j is a greeting', (text) => {
    expect(assistantTalk(text)).toBe('greeting');
  });

  it.each([
    "I'm sorry for my bad English. How do I ask for the bill in Paris?",
    "I can't open this file in Excel. What is wrong?",
    'I am unable to log in to my router. What can I do?',
    'I cannot write to /etc/hosts, why?',
    'Sorry to bother you, but what does "tl;dr" mean?',
    'As an AI researcher, how should I plan my career?',
    'As an English teacher, I want to prepare a lesson.',
    'Write an apology that begins with "I\'m sorry, but I can\'t".',
    'What does a model mean by "As an AI language model"?',
    'Hello, how do I tie a bow tie?',
    'Hi! I want to learn Rust.',
    'How can I help my son with maths?',
    'Hey, write a poem about autumn.',
    'Thank you notes: give me three templates.',
    "I'm happy to help my neighbours, but how do I say no?",
  ])('%j is what a user may write', (text) => {
    expect(assistantTalk(text)).toBeUndefined();
  });

  it('are looked for in a time that does not explode with the text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("i'm ", 'sorry, ', 'but ', 'as an ai ', 'i ', 'can', "'t", 'hello, ', ' '), { maxLength: 400 }),
        (parts) => {
          expect(['refusal', 'greeting', undefined]).toContain(assistantTalk(parts.join('')));
        },
      ),
    );
  });
});

describe('languages', () => {
  const guess =
    (scores: Record<string, number>, reliable = true) =>
    (): LanguageGuess => ({ language: Object.keys(scores)[0] ?? '', reliable, scores });
  const long = 'a'.repeat(FEWEST_LETTERS);

  it('drops what is surely in none of the wanted ones', () => {
    expect(foreignLanguage(long, ['en'], guess({ de: 0.8, en: 0.3 }))).toEqual({ language: 'de', score: 0.8 });
    expect(foreignLanguage(long, ['en', 'de'], guess({ de: 0.8, en: 0.3 }))).toBeUndefined();
  });

  it('keeps what is short, doubtful, or nearly as likely to be in a wanted one', () => {
    expect(foreignLanguage(long.slice(1), ['en'], guess({ de: 0.8 }))).toBeUndefined();
    expect(foreignLanguage(long, ['en'], guess({ de: 0.8 }, false))).toBeUndefined();
    expect(foreignLanguage(long, ['en'], guess({ de: 0.8, en: 0.75 }))).toBeUndefined();
    expect(foreignLanguage(long, ['en'], guess({}))).toBeUndefined();
  });

  it('does not look at code, formulas and addresses', () => {
    const seen: string[] = [];
    foreignLanguage(
      `Was bedeutet das hier im Programm? \`\`\`js\nconst haus = 1;\n\`\`\` und $x^2$ und https://example.org/der/die/das`,
      ['en'],
      (text) => {
        seen.push(text);
        return { language: 'de', reliable: true, scores: { de: 0.8 } };
      },
    );
    expect(seen).toHaveLength(1);
    expect(seen[0]).not.toMatch(/haus|x\^2|example/);
    expect(
      foreignLanguage('`only code, however long it may be`', ['en'], () => {
        throw new Error('asked');
      }),
    ).toBeUndefined();
  });
});

describe('contamination', () => {
  it('is any run of n words in common, whatever case, punctuation and line breaks', () => {
    const index = new ContaminationIndex(13);
    index.add({ task: 'gpqa', id: 'r1', text: QUESTION });
    const asked = `Hint:\n${QUESTION.toUpperCase().replace(/ /g, ' , ')}`;
    expect(index.find(asked)).toEqual([
      { task: 'gpqa', documentId: 'r1', ngram: 'a star that radiates as a black body shrinks to half its radius' },
    ]);
    const twelve = QUESTION.split(' ').slice(0, 12).join(' ');
    expect(index.find(twelve)).toEqual([]);
    expect(index.find(`${twelve} diameter`)).toEqual([]);
  });

  it('of a short document takes all its words; of a very short one, an instruction that says nothing else', () => {
    const index = new ContaminationIndex(13);
    index.add({ task: 'math_level_5', id: 'nine', text: 'Find the remainder when seven is divided by four' });
    index.add({ task: 'math_level_5', id: 'three', text: 'Find $2 + 2$.' });
    expect(index.find('Please: find the remainder when seven is divided by four, quickly').map(({ documentId }) => documentId)).toEqual([
      'nine',
    ]);
    expect(index.find('find the remainder when seven is divided by').map(({ documentId }) => documentId)).toEqual([]);
    expect(index.find('Find 2+2!').map(({ documentId }) => documentId)).toEqual(['three']);
    expect(index.find('Find 2 + 2 and explain it')).toEqual([]);
  });

  it('names every document, each once', () => {
    const index = new ContaminationIndex(8);
    for (const id of ['b', 'a']) index.add({ task: 'gpqa', id, text: `${QUESTION} ${QUESTION} (${id})` });
    expect(index.find(`${QUESTION} ${QUESTION}`).map(({ documentId }) => documentId)).toEqual(['a', 'b']);
  });

  it('is found exactly when comparing every run of words finds it', () => {
    const word = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(fc.array(word, { minLength: 9, maxLength: 40 }), fc.array(word, { maxLength: 40 }), (document, instruction) => {
        const index = new ContaminationIndex(9);
        index.add({ task: 'gpqa', id: 'x', text: document.join(' ') });
        const runs = (words: readonly string[]): string[] => words.slice(8).map((_, start) => words.slice(start, start + 9).join(' '));
        const first = runs(instruction).find((run) => runs(document).includes(run));
        expect(index.find(instruction.join(', ')).map(({ ngram }) => ngram)).toEqual(first === undefined ? [] : [first]);
      }),
      { numRuns: 500 },
    );
  });

  it('is not looked for with runs that everybody writes', () => {
    expect(() => new ContaminationIndex(FEWEST_WORDS - 1)).toThrow('at least 8');
  });
});

describe('all filters together', () => {
  const rules: QualityRules = {
    length: { minWords: 2 },
    refusals: true,
    language: ['en'],
    decontaminate: { ngram: 13 },
    duplicates: { exact: true, near: { threshold: 0.8, shingleSize: 5, permutations: 128 } },
  };
  const detectLanguage = (text: string): LanguageGuess =>
    /\bder\b/.test(text)
      ? { language: 'de', reliable: true, scores: { de: 0.8 } }
      : { language: 'en', reliable: true, scores: { en: 0.8 } };

  function verdicts(texts: readonly string[], some: QualityRules = rules): (string | undefined)[] {
    const filter = new InstructionFilter({ rules: some, detectLanguage, documents: [{ task: 'gpqa', id: 'r1', text: QUESTION }] });
    return texts.map((text, index) => {
      const verdict = filter.verdict({ id: instructionId(index), text });
      return verdict.kept ? undefined : `${verdict.reason}: ${verdict.detail}`;
    });
  }

  it('give each dropped instruction one reason, with its cause', () => {
    expect(
      verdicts([
        'Explain how a heat pump warms a house in winter.',
        'Hm',
        'As an AI language model, I cannot.',
        'Wie funktioniert der Motor eines Autos genau?',
        QUESTION,
        'explain how a  heat pump warms a house in winter.',
        'Explain how a heat pump warms a house in winter!',
        'Hello!',
        'Hi there!',
      ]),
    ).toEqual([
      undefined,
      'too short: 1 word, fewer than 2',
      'refusal: the words of an assistant',
      'language: de (0.80)',
      'contaminated: gpqa r1',
      'duplicate: of i0000000',
      'near duplicate: of i0000000 (0.96)',
      'too short: 1 word, fewer than 2',
      'greeting: the words of an assistant',
    ]);
  });

  it('that are not asked for do nothing', () => {
    expect(verdicts(['', '', QUESTION], {})).toEqual([undefined, undefined, undefined]);
    expect(verdicts(['Same text', 'same text'], { duplicates: { exact: false } })).toEqual([undefined, undefined]);
  });

  it('do not take a dropped instruction for the original of a later one', () => {
    const near = { ...rules, length: { maxWords: 9 } };
    expect(verdicts([`${'word '.repeat(10)}`, `${'word '.repeat(9)}`], near)).toEqual(['too long: 10 words, more than 9', undefined]);
  });

  it('keep the first of each text, and exactly one of those that fold alike', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('one two', 'ONE  two', 'three four', 'Three four ', 'five six'), { maxLength: 20 }), (texts) => {
        const kept = texts
          .filter((_, index) => verdicts(texts, { duplicates: { exact: true } })[index] === undefined)
          .map((text) => text.toLowerCase().replace(/\s+/g, ' ').trim());
        expect(new Set(kept).size).toBe(kept.length);
        expect(new Set(kept)).toEqual(new Set(texts.map((text) => text.toLowerCase().replace(/\s+/g, ' ').trim())));
      }),
    );
  });

  it('judge an instruction by itself and those before it alone', () => {
    const pool = [
      'Explain how a heat pump warms a house.',
      'Explain how a heat pump warms a home.',
      QUESTION,
      'Hi',
      'Name three rivers in Asia.',
      'name three rivers in asia.',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pool), { maxLength: 12 }), fc.nat(12), (texts, end) => {
        expect(verdicts(texts.slice(0, end))).toEqual(verdicts(texts).slice(0, end));
      }),
    );
  });

  it('know no other reasons than those that are counted', () => {
    expect(new Set(DROP_REASONS).size).toBe(8);
  });
});
