import type { Example, ExampleResponse } from './examples';

/** The kept answer first, then by falling mean score; what was never answered comes last. */
export function rankedAnswers({ responses }: Example): ExampleResponse[] {
  const rank = ({ winner, meanScore, text }: ExampleResponse): number => (winner ? 10 : (meanScore ?? (text === null ? -1 : 0)));
  return [...responses].sort((a, b) => rank(b) - rank(a));
}
