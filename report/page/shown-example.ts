import { formatCount } from '../../contract/figures';
import type { Example, ExampleResponse, Excerpt } from '../gather/examples';

/** The kept answer first, then by falling mean score; what was never answered comes last. */
export function rankedAnswers({ responses }: Example): ExampleResponse[] {
  const rank = ({ winner, meanScore, text }: ExampleResponse): number => (winner ? 10 : (meanScore ?? (text === null ? -1 : 0)));
  return [...responses].sort((a, b) => rank(b) - rank(a));
}

/** What stands under a text that was cut for the report; empty under one that is whole. */
export function omittedNote({ omittedCharacters }: Excerpt): string {
  return omittedCharacters === 0 ? '' : `${formatCount(omittedCharacters)} more characters in the export`;
}
