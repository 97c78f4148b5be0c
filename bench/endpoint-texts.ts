import { createRandom, type Random } from '../method/random';

/** Words of an answer, at least and about at most. */
export interface AnswerLength {
  readonly minWords: number;
  readonly maxWords: number;
}

/** A text as it stands between the quotes of a JSON string, with its length in words. */
export interface FakeText {
  readonly json: string;
  readonly words: number;
}

const ASKS = [
  'Explain how to plan',
  'What goes wrong most often with',
  'Give me five tips for',
  'How do I repair',
  'Compare two ways to make',
  'Write a short story about',
  'Summarize what is known about',
  'Draft an e-mail to a colleague about',
  'Find the mistake in my notes on',
  'Why is it hard to measure',
];
const TOPICS = [
  'a rain barrel',
  'a sourdough loaf',
  'a linear regression',
  'a bicycle chain',
  'a haiku',
  'a tax return',
  'a tide table',
  'a binary tree',
  'the water cycle',
  'a chess opening',
  'an old radio',
  'a herb garden',
  'the rules of a debate',
  'a savings plan',
  'a sorting algorithm',
  'a night train',
];
const WORDS = (
  'the a this each one and or but with from over under after before about into time year people way day part case week water side word line end home ' +
  'number night point city system program question work story fact month lot right study book eye job business issue kind head house service friend power hour ' +
  'game member law car community name team minute idea body information back parent face level office door health person art war history party result change morning ' +
  'reason research girl guy moment air teacher force education is was has had does makes gives keeps finds shows needs leaves calls asks turns follows holds brings ' +
  'slow early small large old young useful clear certain simple likely common whole careful warm quiet again often then here usually perhaps almost together'
).split(' ');
const SENTENCES = 2048;

/** Sentences of 5 to 16 words, the same in every process; replies are made by joining them, which costs next to nothing. */
const sentences: readonly FakeText[] = (() => {
  const random = createRandom(20_260_101);
  return Array.from({ length: SENTENCES }, () => {
    const count = 5 + random.below(12);
    const text = Array.from({ length: count }, () => WORDS[random.below(WORDS.length)]!).join(' ');
    return { json: `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`, words: count };
  });
})();

/** What a user would ask: 5 to some 60 words, sometimes with a second paragraph. */
export function instructionText(random: Random): FakeText {
  const ask = `${pick(ASKS, random)} ${pick(TOPICS, random)} number ${random.below(100_000)}?`;
  const more = prose(random, random.below(46));
  const gap = random.below(8) === 0 ? '\\n\\n' : ' ';
  return { json: more.json === '' ? ask : `${ask}${gap}${more.json}`, words: ask.split(' ').length + more.words };
}

export function answerText(random: Random, { minWords, maxWords }: AnswerLength): FakeText {
  return prose(random, minWords + random.below(Math.max(1, maxWords - minWords)));
}

/** A justification and the line that Table 2 asks for; ratings from 1 to 5, more of them in the middle. */
export function judgeText(random: Random): FakeText {
  const why = prose(random, 12 + random.below(30));
  const rating = [1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5][random.below(12)]!;
  return { json: `${why.json}\\n\\nScore: ${rating}`, words: why.words + 2 };
}

/** Whole sentences until there are as many words. */
function prose(random: Random, words: number): FakeText {
  const parts: string[] = [];
  let count = 0;
  while (count < words) {
    const sentence = pick(sentences, random);
    parts.push(sentence.json);
    count += sentence.words;
  }
  return { json: parts.join(' '), words: count };
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[random.below(list.length)]!;
}
