import {
  ara,
  ben,
  ces,
  dan,
  deu,
  ell,
  eng,
  fas,
  fin,
  fra,
  heb,
  hin,
  ind,
  ita,
  jpn,
  kor,
  nld,
  nob,
  pol,
  por,
  ron,
  rus,
  spa,
  swe,
  tha,
  tur,
  ukr,
  vie,
  zho,
} from 'stopword';
import { termsOf } from './term-weights';

/** Function words by language. */
const LISTS = [
  [ara, ben, ces, dan, deu, ell, eng, fas, fin, fra, heb, hin, ind, ita, jpn],
  [kor, nld, nob, pol, por, ron, rus, spa, swe, tha, tur, ukr, vie, zho],
].flat();

/** What the lists lack, and the words with which people ask for anything. */
const ASKING =
  'its our your their his her them than then there these those some such each more most very just only also may might should must shall not no nor can will would could does did done doing give make write tell explain describe create please help need want keep find list provide following using use one two';

const STOP_WORDS: ReadonlySet<string> = new Set([...LISTS.flat().map((word) => word.toLowerCase()), ...ASKING.split(' ')]);

/** Terms of a text that can tell what it is about: without function words. */
export function tellingTerms(text: string): string[] {
  return termsOf(text).filter((term) => !STOP_WORDS.has(term));
}
