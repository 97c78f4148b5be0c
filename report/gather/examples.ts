import { hash32 } from '../../method/hash';
import { responseId } from '../../method/ids';
import type { Failure, Instruction, Judgment, Response } from '../../method/records';
import type { Selection } from '../../method/selection';

/** A text that may have been cut for the report; the exports hold all of it. */
export interface Excerpt {
  readonly text: string;
  readonly omittedCharacters: number;
}

/** What one judge said of a response. */
export interface ExampleJudgment {
  readonly judge: string;
  readonly score: number | null;
  readonly reason: string | null;
  readonly raw: Excerpt;
}

export interface ExampleResponse {
  readonly generator: string;
  readonly sample: number;
  readonly winner: boolean;
  readonly meanScore: number | null;
  /** Null when there is no such response; `missing` says why. */
  readonly text: Excerpt | null;
  readonly truncated: boolean;
  readonly missing: string | null;
  readonly judgments: readonly ExampleJudgment[];
}

/** One instruction with all that was said to it. */
export interface Example {
  readonly instructionId: string;
  readonly instruction: Excerpt;
  readonly kept: boolean;
  readonly tied: boolean;
  /** Why the instruction was not kept. */
  readonly lost: string | null;
  readonly responses: readonly ExampleResponse[];
}

/** Everything that a shard knows of one instruction. */
export interface ExampleInput {
  readonly instruction: Instruction;
  readonly responses: readonly Response[];
  readonly judgments: readonly Judgment[];
  /** Failures of this instruction's responses, by response id. */
  readonly failures: ReadonlyMap<string, Failure>;
  /** Undefined while the selection is not made. */
  readonly selection: Selection | undefined;
}

const TEXT_CHARACTERS = 4_000;
const RAW_CHARACTERS = 600;

/** Draws examples by the seed: the same run always shows the same ones; kept instructions come first. */
export class ExamplePicker {
  private picked: { readonly rank: number; readonly id: string; readonly example: Example }[] = [];

  constructor(
    private readonly options: {
      readonly count: number;
      readonly seed: number;
      readonly generators: readonly string[];
      readonly samples: number;
      readonly judges: readonly string[];
    },
  ) {}

  offer(input: ExampleInput): void {
    const { count, seed } = this.options;
    if (count === 0) return;
    const { id } = input.instruction;
    const kept = input.selection !== undefined && 'replay' in input.selection;
    const rank = hash32(`${seed}|example|${id}`) + (kept ? 0 : 2 ** 32);
    const last = this.picked[count - 1];
    if (last !== undefined && (rank > last.rank || (rank === last.rank && id > last.id))) return;
    this.picked = [...this.picked, { rank, id, example: this.describe(input) }]
      .sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1))
      .slice(0, count);
  }

  /** The drawn examples, sorted by id. */
  result(): Example[] {
    return this.picked.map(({ example }) => example).sort((a, b) => (a.instructionId < b.instructionId ? -1 : 1));
  }

  private describe({ instruction, responses, judgments, failures, selection }: ExampleInput): Example {
    const { generators, samples, judges } = this.options;
    const winner = selection !== undefined && 'replay' in selection ? selection.replay.responseId : undefined;
    return {
      instructionId: instruction.id,
      instruction: excerpt(instruction.text, TEXT_CHARACTERS),
      kept: winner !== undefined,
      tied: selection !== undefined && 'replay' in selection && selection.tied,
      lost: selection !== undefined && 'lost' in selection ? selection.lost.reason : null,
      responses: generators.flatMap((generator) =>
        Array.from({ length: samples }, (_, sample): ExampleResponse => {
          const id = responseId(instruction.id, generator, sample);
          const response = responses.find((each) => each.id === id);
          const given = judges.flatMap((judge) => judgments.filter((each) => each.responseId === id && each.judge === judge));
          const scores = given.flatMap(({ score }) => (score === null ? [] : [score]));
          return {
            generator,
            sample,
            winner: id === winner,
            meanScore:
              selection?.means.find(({ responseId: each }) => each === id)?.mean ??
              (scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length),
            text: response === undefined ? null : excerpt(response.text, TEXT_CHARACTERS),
            truncated: response?.finishReason === 'length',
            missing: response === undefined ? (failures.get(id)?.reason ?? 'not answered yet') : null,
            judgments: given.map(({ judge, score, reason, raw }) => ({
              judge,
              score,
              reason: reason ?? null,
              raw: excerpt(raw, RAW_CHARACTERS),
            })),
          };
        }),
      ),
    };
  }
}

/** The first `limit` characters, never half of a surrogate pair. */
export function excerpt(text: string, limit: number): Excerpt {
  if (text.length <= limit) return { text, omittedCharacters: 0 };
  const end = /[\uD800-\uDBFF]/.test(text.charAt(limit - 1)) ? limit - 1 : limit;
  return { text: text.slice(0, end), omittedCharacters: text.length - end };
}
