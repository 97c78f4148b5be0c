import { foreignLanguage, LANGUAGES, suggestLanguage } from '../../../method/quality/language';
import { loadLanguageDetector } from '../../../services/data/language-detector';

const ENGLISH = [
  'How to calculate the average of a list of numbers using Python?',
  'Write a haiku about the sea and the moon.',
  'what r u doing 2day bro, any plans??',
  'Solve x^2 + 3x - 4 = 0 for x and explain every step.',
  'SELECT name, total FROM customers WHERE id = 3 ORDER BY total DESC;',
  'fix my css .container { display: flex; justify-content: center; }',
  'Translate to French: "Good morning, my dear friend"',
  'Explain the following: la vie est belle',
  'Name three Pokemon like Pikachu, Charizard, Bulbasaur',
  '\\int_0^1 x^2 dx = ? \\sum_{n=1}^{\\infty} a_n',
];
const OTHERS: Readonly<Record<string, string>> = {
  de: 'Erkläre mir bitte, wie ein Viertaktmotor funktioniert.',
  es: 'Hola, ¿cómo puedo cocinar una paella para cuatro personas?',
  fr: 'Comment faire un gâteau au chocolat sans œufs ni beurre ?',
  zh: '你能用简单的语言解释一下量子力学吗？',
  ru: 'Напиши короткое стихотворение о зиме.',
  hi: 'मुझे भारत की राजधानी के बारे में बताइए।',
  it: "Qual è la capitale dell'Australia e perché non è Sydney?",
};

describe('the language detector', () => {
  it('lets pass what is written in a wanted language, code and formulas included', async () => {
    const detect = await loadLanguageDetector();
    expect(ENGLISH.filter((text) => foreignLanguage(text, ['en'], detect) !== undefined)).toEqual([]);
  });

  it('finds what is written in another', async () => {
    const detect = await loadLanguageDetector();
    expect(Object.entries(OTHERS).map(([, text]) => foreignLanguage(text, ['en'], detect)?.language)).toEqual(Object.keys(OTHERS));
    expect(foreignLanguage(OTHERS['de']!, ['en', 'de'], detect)).toBeUndefined();
  });

  it('knows the languages that a spec may name, and no others', async () => {
    const { eld } = await import('eld/medium');
    expect(Object.values(eld.info().Languages).sort()).toEqual([...LANGUAGES].sort());
  });
});

test.each([
  ['english', 'en'],
  ['eng', 'en'],
  ['en-GB', 'en'],
  ['ger', 'de'],
  ['Chinese', 'zh'],
  ['zh-Hans', 'zh'],
])('%j is told as %j', (wrong, right) => {
  expect(suggestLanguage(wrong)).toBe(right);
});
