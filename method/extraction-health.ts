import type { TextRejection } from './instructions';
import { foldText } from './quality/fold';
import type { Failure, FinishReason } from './records';
import { requestLikeness } from './request-likeness';
import { leadingTopics } from './topics/leading-topics';
import { seenOf, type Seen } from './unseen';

/** Whether a lost instruction is a text that did not end. */
export function isTruncated({ reason }: Pick<Failure, 'reason'>): boolean {
  return reason === ('truncated' satisfies TextRejection);
}

/** A part of a whole. */
export interface Share {
  readonly count: number;
  readonly of: number;
}

/** What the extracted texts are like, before their answers are paid for. */
export interface ExtractionHealth {
  /** Texts that the model ended by itself, of those whose end is known, the lost ones included. */
  readonly ended: Share;
  /** Texts that an earlier one repeats, white space and case aside. */
  readonly repeated: Share;
  /** Texts that ask for nothing, of those of which it can be told. */
  readonly notRequests: Share;
  /** How much of the distribution was seen, text by text and topic by topic. */
  readonly texts: Seen;
  readonly topics: Seen;
  /** What is unhealthy, a sentence each; empty where nothing is. */
  readonly warnings: readonly string[];
}

/** Topics are counted in so many texts, the first ones: time grows with their square. */
const MOST_FOR_TOPICS = 2_000;

/** Below this many texts a share says nothing. */
const FEWEST = 20;

/**
 * @param texts in the order of drawing
 * @param truncated texts that were lost because they did not end
 */
export function extractionHealth(
  texts: readonly { readonly text: string; readonly finishReason: FinishReason }[],
  truncated: number,
): ExtractionHealth {
  const known = texts.filter(({ finishReason }) => finishReason !== null);
  const ended = { count: known.filter(({ finishReason }) => finishReason !== 'length').length, of: known.length + truncated };
  const seen = seenOf(texts.map(({ text }) => foldText(text)));
  const repeated = { count: seen.sample - seen.kinds, of: seen.sample };
  const likeness = texts.map(({ text }) => requestLikeness(text)).filter((each) => each !== 'unknown');
  const notRequests = { count: likeness.filter((each) => each === 'no request').length, of: likeness.length };
  const topics = seenOf(leadingTopics(texts.slice(0, MOST_FOR_TOPICS).map(({ text }) => text)));
  return { ended, repeated, notRequests, texts: seen, topics, warnings: warningsOf({ ended, repeated, notRequests }) };
}

function warningsOf({ ended, repeated, notRequests }: Pick<ExtractionHealth, 'ended' | 'repeated' | 'notRequests'>): string[] {
  const percent = ({ count, of }: Share): number => Math.round((100 * count) / of);
  const many = (share: Share): boolean => share.of >= FEWEST;
  return [
    ...(many(notRequests) && notRequests.count > notRequests.of / 2
      ? [
          `${percent(notRequests)} % of the extracted texts ask for nothing: the model seems to write answers after its pre-query template, as one does whose questions bore no loss in its training; look at them (rehearse export --stage instructions) before their answers are paid for`,
        ]
      : []),
    ...(many(ended) && ended.count < ended.of / 2
      ? [
          `only ${percent(ended)} % of the extracted texts ended by themselves: raise synthesis.extract.sampling.maxTokens, or check the template and its stops`,
        ]
      : []),
    ...(many(repeated) && repeated.count > repeated.of / 2
      ? [
          `${percent(repeated)} % of the extracted texts repeat an earlier one: raise synthesis.extract.sampling.temperature, or extract fewer and turn on synthesis.quality.duplicates`,
        ]
      : []),
  ];
}
