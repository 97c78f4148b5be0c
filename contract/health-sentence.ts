import type { ExtractionHealth, Share } from '../method/extraction-health';
import { formatCount, formatCounted, formatPercent } from './figures';

/** What the extracted texts are like, in one sentence for `status` and the report. */
export function healthSentence({ texts, topics, ended, repeated, notRequests }: ExtractionHealth): string {
  const part = ({ count, of }: Share): string => (of === 0 ? 'an unknown share' : formatPercent(count / of, 0));
  return (
    `${formatCounted(texts.sample, 'text')} extracted: ${part(ended)} ended by themselves, ${part(repeated)} repeat another, ` +
    `${part(notRequests)} ask for nothing (of ${formatCount(notRequests.of)} of which it can be told); ` +
    `the next text is new with a chance of ${formatPercent(1 - texts.coverage, 0)}, of a new topic with ${formatPercent(1 - topics.coverage, 0)}`
  );
}
