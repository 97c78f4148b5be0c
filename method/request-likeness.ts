import { foldText, wordsOf } from './quality/fold';

/** Words by which a text shows that it is English: what is no request in another language cannot be told by its words. */
const ENGLISH = words('the of to and is it that with are was this from have has you your');

/** First words of orders. */
const ORDERS = words(
  'write explain describe list give create generate make tell show help summarize summarise translate find suggest compare design develop provide ' +
    'rewrite edit identify calculate compute solve classify name discuss analyze analyse convert draft imagine pretend act define outline propose recommend ' +
    'answer complete continue correct determine evaluate extract fix implement improve organize organise paraphrase plan predict prepare prove ' +
    'rank reverse rephrase simplify sort spell state tag build choose construct count debug demonstrate derive devise discover draw ' +
    'brainstorm categorize elaborate estimate examine format formulate highlight illustrate interpret introduce invent produce reformat refactor replace review ' +
    'select share simulate sketch teach transform update verify repeat read recite please hi hello hey given suppose assume let lets consider',
);

/** Words with which questions and wishes begin, perhaps after another one. */
const QUESTIONS = words('what whats who whom whose which why how hows id im ive');
const AUXILIARIES = words('is are was were do does did can could will would should shall may might has have when where');

/** Phrases that ask, wherever they stand; `please` in the languages that most often have it. */
const ASKING =
  /(?<!\p{L})(?:please|bitte|por favor|s'il (?:te|vous) pla[iî]t|per favore|пожалуйста|can you|could you|would you|help me|i (?:want|need|would like|am looking|am trying|have to|wonder)|i'd like|i'm (?:looking|trying|working)|tell me|give me|show me|write me|you are an?)(?!\p{L})|请|請|ください/u;

/** First words of answers that no request begins with. */
const ANSWERING =
  /^(?:sure|certainly|of course|absolutely|here (?:is|are|'s)|here’s|as an ai|i'm sorry|i am sorry|thank you for|great question|yes,|no,)/u;

/** What a text looks like; `unknown` where it is too short or not English. */
export type Likeness = 'request' | 'no request' | 'unknown';

/** Shorter texts without an end are what is typed into a search box, or cut off. */
const FEWEST_WORDS = 12;

/** A question mark asks where the text begins or ends; in the middle of a long one it may be quoted. */
const NEAR = 200;

/**
 * Whether a text that a model wrote as a user asks for anything, by its words: a coarse rule for counting, not for judging a single text. A
 * question mark of any script, an order, a wish or a question makes a request. A model that was never trained on its questions writes
 * answers instead.
 */
export function requestLikeness(text: string): Likeness {
  const folded = foldText(text);
  if (ANSWERING.test(folded)) return 'no request';
  if (/[?？؟¿]/u.test(folded.slice(0, NEAR)) || /[?？؟]/u.test(folded.slice(-NEAR))) return 'request';
  const all = wordsOf(folded.replace(/['’]/gu, ''));
  const [first = '', second = ''] = all;
  if (ORDERS.has(first) || AUXILIARIES.has(first) || QUESTIONS.has(first) || QUESTIONS.has(second) || ASKING.test(folded)) return 'request';
  if (!all.some((word) => ENGLISH.has(word)) || (all.length < FEWEST_WORDS && !/[.!]["'”’)]?$/u.test(folded))) return 'unknown';
  return 'no request';
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(' '));
}
