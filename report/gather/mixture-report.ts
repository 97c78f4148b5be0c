import type { MixtureRow } from '../../method/records';
import type { MixtureDetail } from '../../stages/mix';

/** One side of the mixture. */
export interface MixtureSide {
  readonly examples: number;
  /** Rows that the share left no room for. */
  readonly leftOut: number;
  readonly characters: number;
  /** Characters of the assistant's messages: what the loss is taken on. */
  readonly trainedCharacters: number;
  readonly tokens: number;
}

export interface MixtureReport {
  readonly replay: MixtureSide;
  readonly new: MixtureSide;
  /** Examples whose last answer was cut at a token limit; 0 where an older mixture does not tell. */
  readonly cut: number;
  /** Rows that `mix.exclude` names; they are among the losses, with their reasons. */
  readonly excluded: number;
  readonly requestedShare: number;
  /** New data's share of the examples. */
  readonly shareByCount: number;
  /** New data's share of the tokens, taken as its share of the characters. */
  readonly shareByTokens: number;
  readonly shareOfTrainedTokens: number;
  /** Where `tokens` comes from: the trainer's total split by characters, or four characters a token. */
  readonly tokensFrom: 'trainer' | 'characters';
}

const CHARACTERS_A_TOKEN = 4;

/**
 * Shares of the mixture. The trainer counts tokens of the whole only, so the sides are told apart by their characters.
 * @param trainedTokens the trainer's count of the whole, once there is one
 */
export function reportMixture(
  detail: MixtureDetail,
  rows: readonly MixtureRow[],
  requestedShare: number,
  trainedTokens: number | null,
): MixtureReport {
  const sides = { replay: { examples: 0, characters: 0, trainedCharacters: 0 }, new: { examples: 0, characters: 0, trainedCharacters: 0 } };
  for (const { source, messages } of rows) {
    const side = sides[source];
    side.examples++;
    for (const { role, content } of messages) {
      side.characters += content.length;
      if (role === 'assistant') side.trainedCharacters += content.length;
    }
  }
  const characters = sides.replay.characters + sides.new.characters;
  const total = trainedTokens ?? Math.round(characters / CHARACTERS_A_TOKEN);
  const tokensOf = (side: { readonly characters: number }): number => Math.round(total * share(side.characters, characters));
  return {
    replay: { ...sides.replay, leftOut: detail.replayLeftOut, tokens: tokensOf(sides.replay) },
    new: { ...sides.new, leftOut: detail.newLeftOut, tokens: tokensOf(sides.new) },
    cut: detail.cut ?? 0,
    excluded: detail.excluded ?? 0,
    requestedShare,
    shareByCount: share(sides.new.examples, rows.length),
    shareByTokens: share(sides.new.characters, characters),
    shareOfTrainedTokens: share(sides.new.trainedCharacters, sides.replay.trainedCharacters + sides.new.trainedCharacters),
    tokensFrom: trainedTokens === null ? 'characters' : 'trainer',
  };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
