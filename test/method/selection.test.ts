import fc from 'fast-check';
import { instructionId, judgmentId, responseId } from '../../method/ids';
import type { Instruction, Judgment, Response } from '../../method/records';
import { conversationOf, meanScores, selectBest, type Selection, type SelectionInput } from '../../method/selection';

const generators = ['llama', 'gpt-4', 'qwen2'];
const judges = ['llama', 'gpt-4', 'qwen2'];

function instructionOf(index: number): Instruction {
  return { id: instructionId(index), text: `Question ${index}?`, model: 'llama', finishReason: 'stop', seed: 1, attempts: 1, usage: null };
}

function responsesTo(instruction: Instruction): Response[] {
  return generators.flatMap((model) =>
    [0, 1, 2].map((sample) => ({
      id: responseId(instruction.id, model, sample),
      instructionId: instruction.id,
      model,
      sample,
      text: `${model}'s answer ${sample}`,
      finishReason: 'stop' as const,
      seed: 1,
      attempts: 1,
      usage: null,
    })),
  );
}

function judgmentsOf(responses: readonly Response[], score: (response: Response, judge: string) => number | null): Judgment[] {
  return responses.flatMap((response) =>
    judges.map((judge) => ({
      id: judgmentId(response.id, judge),
      responseId: response.id,
      instructionId: response.instructionId,
      judge,
      score: score(response, judge),
      scoredBy: 'text' as const,
      raw: 'raw',
      seed: 1,
      attempts: 1,
      usage: null,
    })),
  );
}

function inputOf(score: (response: Response, judge: string) => number | null, changes: Partial<SelectionInput> = {}): SelectionInput {
  const instruction = instructionOf(7);
  const responses = responsesTo(instruction);
  return {
    instruction,
    responses,
    judgments: judgmentsOf(responses, score),
    judges,
    expectedResponses: 9,
    policy: { keep: 'complete' },
    truncated: 'last',
    seed: 42,
    ...changes,
  };
}

function kept(selection: Selection): Extract<Selection, { replay: unknown }> {
  if ('lost' in selection) throw new Error(`lost: ${selection.lost.reason}`);
  return selection;
}

function lost(selection: Selection): string {
  if ('replay' in selection) throw new Error(`kept ${selection.replay.responseId}`);
  expect(selection.lost).toMatchObject({ stage: 'select', id: 'i0000007', model: null, attempts: 1 });
  expect(selection.best).toEqual([]);
  return selection.lost.reason;
}

const isBest = ({ model, sample }: Response): boolean => model === 'gpt-4' && sample === 1;

describe('the response with the highest mean over the judges', () => {
  it('is kept with its instruction as one conversation', () => {
    const selection = kept(selectBest(inputOf((response, judge) => (isBest(response) ? (judge === 'llama' ? 3 : 5) : 4))));
    expect(selection.replay).toEqual({
      instructionId: 'i0000007',
      responseId: 'i0000007:gpt-4:1',
      instruction: 'Question 7?',
      response: "gpt-4's answer 1",
      model: 'gpt-4',
      meanScore: 13 / 3,
      finishReason: 'stop',
      scores: { 'gpt-4': 5, llama: 3, qwen2: 5 },
      messages: [
        { role: 'user', content: 'Question 7?' },
        { role: 'assistant', content: "gpt-4's answer 1" },
      ],
    });
    expect(selection.tied).toBe(false);
    expect(selection.best).toEqual(['i0000007:gpt-4:1']);
    expect(selection.means).toHaveLength(9);
  });

  it('does not depend on the order of the rows, to the last digit', () => {
    const scores = fc.array(fc.double({ min: 1, max: 5, noNaN: true }), { minLength: 27, maxLength: 27 });
    fc.assert(
      fc.property(scores, fc.infiniteStream(fc.nat()), (values, noise) => {
        let next = 0;
        const input = inputOf(() => values[next++]!);
        const shuffle = <T>(rows: readonly T[]): T[] =>
          rows
            .map((row) => [noise.next().value as number, row] as const)
            .toSorted(([a], [b]) => a - b)
            .map(([, row]) => row);
        const other = selectBest({
          ...input,
          responses: shuffle(input.responses),
          judgments: shuffle(input.judgments),
          judges: shuffle(judges),
        });
        expect(other).toEqual(selectBest(input));
      }),
    );
  });

  it('is what adding up the rows in the order of their ids gives', () => {
    const scores = fc.array(fc.double({ min: 1, max: 5, noNaN: true }), { minLength: 27, maxLength: 27 });
    fc.assert(
      fc.property(scores, (values) => {
        let next = 0;
        const input = inputOf(() => values[next++]!);
        const sums = new Map<string, number>();
        for (const row of input.judgments.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
          sums.set(row.responseId, (sums.get(row.responseId) ?? 0) + row.score!);
        }
        const { replay } = kept(selectBest(input));
        expect(replay.meanScore).toBe(Math.max(...[...sums.values()].map((sum) => sum / 3)));
        expect(sums.get(replay.responseId)! / 3).toBe(replay.meanScore);
      }),
    );
  });
});

describe('a tie', () => {
  it('is reported with all that share it', () => {
    const selection = kept(selectBest(inputOf((response) => (response.model === 'qwen2' ? 5 : 4))));
    expect(selection.tied).toBe(true);
    expect(selection.best).toEqual(['i0000007:qwen2:0', 'i0000007:qwen2:1', 'i0000007:qwen2:2']);
    expect(selection.best).toContain(selection.replay.responseId);
  });

  it('of different scores with one mean is a tie as well', () => {
    const scores: Record<string, number> = { llama: 5, 'gpt-4': 4, qwen2: 3 };
    const selection = kept(selectBest(inputOf((response, judge) => (isBest(response) ? scores[judge]! : 4))));
    expect(selection.best).toHaveLength(9);
  });

  it('is broken the same way each time, by the seed, and without favour', () => {
    const wins: Record<string, number> = {};
    let moved = 0;
    for (let index = 0; index < 1_800; index++) {
      const instruction = instructionOf(index);
      const responses = responsesTo(instruction);
      const input = inputOf(() => 4, { instruction, responses, judgments: judgmentsOf(responses, () => 4) });
      const winner = kept(selectBest(input)).replay.responseId;
      expect(kept(selectBest(input)).replay.responseId).toBe(winner);
      if (kept(selectBest({ ...input, seed: 43 })).replay.responseId !== winner) moved++;
      const place = winner.slice('i0000007:'.length);
      wins[place] = (wins[place] ?? 0) + 1;
    }
    expect(Object.keys(wins)).toHaveLength(9);
    // Five standard deviations: 5 * sqrt(1800 * 1/9 * 8/9).
    for (const count of Object.values(wins)) expect(Math.abs(count - 200)).toBeLessThan(67);
    expect(moved).toBeGreaterThan(1_400);
  });
});

describe('an instruction under the policy complete', () => {
  it('is lost when one score of twenty-seven is missing', () => {
    const input = inputOf((response, judge) => (isBest(response) && judge === 'qwen2' ? null : 4));
    expect(lost(selectBest(input))).toBe('scores missing: 1 of 27');
    expect(lost(selectBest({ ...input, judgments: input.judgments.slice(2) }))).toBe('scores missing: 3 of 27');
  });

  it('is lost when a response is missing', () => {
    const input = inputOf(() => 4);
    const responses = input.responses.slice(1);
    expect(lost(selectBest({ ...input, responses, judgments: judgmentsOf(responses, () => 4) }))).toBe('responses missing: 1 of 9');
  });

  it('is lost when there is no response at all', () => {
    expect(lost(selectBest(inputOf(() => 4, { responses: [], judgments: [] })))).toBe('no response');
  });

  it('still tells the means that there are', () => {
    const selection = selectBest(inputOf((response) => (isBest(response) ? null : 4)));
    expect(selection.means.filter(({ mean }) => mean === null).map(({ responseId }) => responseId)).toEqual(['i0000007:gpt-4:1']);
  });
});

describe('an instruction under the policy available', () => {
  const policy = { keep: 'available', minJudges: 2 } as const;

  it('is kept by the mean over the scores that there are', () => {
    const selection = kept(selectBest(inputOf((response, judge) => (isBest(response) ? (judge === 'qwen2' ? null : 5) : 4), { policy })));
    expect(selection.replay).toMatchObject({ responseId: 'i0000007:gpt-4:1', meanScore: 5, scores: { llama: 5, 'gpt-4': 5 } });
  });

  it('never keeps a response with too few scores, however high', () => {
    const selection = kept(selectBest(inputOf((response, judge) => (isBest(response) ? (judge === 'llama' ? 5 : null) : 2), { policy })));
    expect(selection.best).not.toContain('i0000007:gpt-4:1');
  });

  it('is kept with fewer responses than expected', () => {
    const input = inputOf(() => 4);
    const responses = input.responses.slice(0, 1);
    expect(kept(selectBest({ ...input, policy, responses, judgments: judgmentsOf(responses, () => 4) })).replay.model).toBe('llama');
  });

  it('is lost when no response has enough scores', () => {
    expect(lost(selectBest(inputOf((_response, judge) => (judge === 'llama' ? 5 : null), { policy })))).toBe(
      'too few scores: no response has 2 of 3',
    );
  });
});

describe('a response that was cut at a token limit', () => {
  /** The best response and the second best, which is `whole` or, like all others, cut. */
  function cutInput(whole: (response: Response) => boolean, truncated: SelectionInput['truncated']): SelectionInput {
    const input = inputOf((response) => (isBest(response) ? 5 : response.model === 'qwen2' && response.sample === 0 ? 4 : 3), {
      truncated,
    });
    return {
      ...input,
      responses: input.responses.map((response) => (whole(response) ? response : { ...response, finishReason: 'length' as const })),
    };
  }
  const allBut = (response: Response): boolean => !isBest(response);

  it('loses to the best whole one, whatever its own score', () => {
    const { replay, best } = kept(selectBest(cutInput(allBut, 'last')));
    expect(replay).toMatchObject({ responseId: 'i0000007:qwen2:0', meanScore: 4, finishReason: 'stop' });
    expect(best).toEqual(['i0000007:qwen2:0']);
  });

  it('wins by its score where no whole one takes part, and says that it was cut', () => {
    expect(kept(selectBest(cutInput(() => false, 'last'))).replay).toMatchObject({
      responseId: 'i0000007:gpt-4:1',
      finishReason: 'length',
    });
    const policy = { keep: 'available', minJudges: 3 } as const;
    const input = cutInput(({ model, sample }) => model === 'llama' && sample === 0, 'last');
    const judgments = input.judgments.filter(({ responseId: id, judge }) => id !== 'i0000007:llama:0' || judge === 'llama');
    expect(kept(selectBest({ ...input, judgments, policy })).replay.responseId).toBe('i0000007:gpt-4:1');
  });

  it('competes like any other where the spec says so', () => {
    expect(kept(selectBest(cutInput(allBut, 'keep'))).replay).toMatchObject({ responseId: 'i0000007:gpt-4:1', finishReason: 'length' });
  });

  it('never wins where the spec leaves such out, and then loses the instruction if there is no other', () => {
    expect(kept(selectBest(cutInput(allBut, 'drop'))).replay.responseId).toBe('i0000007:qwen2:0');
    expect(lost(selectBest(cutInput(() => false, 'drop')))).toBe('only cut responses: 9');
  });

  it('is marked in the conversation that is trained on, a whole one is not', () => {
    expect(conversationOf(kept(selectBest(cutInput(() => false, 'last'))).replay)).toMatchObject({ id: 'i0000007', cut: true });
    expect(conversationOf(kept(selectBest(cutInput(() => true, 'last'))).replay)).not.toHaveProperty('cut');
  });
});

describe('rows that do not belong together', () => {
  const input = inputOf(() => 4);
  const stray = judgmentsOf(responsesTo(instructionOf(8)), () => 4)[0]!;
  it.each<[string, Partial<SelectionInput>, string]>([
    ['a judgment of another response', { judgments: [stray] }, 'is of i0000008:llama:0, which is not among the responses'],
    ['a judgment given twice', { judgments: [...input.judgments, input.judgments[0]!] }, 'llama judged i0000007:llama:0 twice'],
    ['a judge who was not asked', { judges: ['gpt-4', 'qwen2'] }, 'is by llama, who is none of gpt-4, qwen2'],
    ['a score off the scale', { judgments: [{ ...input.judgments[0]!, score: 6 }] }, 'has the score 6; the scale is 1 to 5'],
    ['a score that is no number', { judgments: [{ ...input.judgments[0]!, score: Number.NaN }] }, 'has the score NaN'],
    ['a response given twice', { responses: [input.responses[0]!, input.responses[0]!], judgments: [] }, 'i0000007:llama:0 is given twice'],
    ["another instruction's response", { responses: responsesTo(instructionOf(8)), judgments: [] }, 'does not answer i0000007'],
    ['more responses than expected', { expectedResponses: 3 }, 'has 9 responses where 3 were expected'],
    ['a policy that asks for more judges than there are', { policy: { keep: 'available', minJudges: 4 } }, 'minJudges is 4; give 1 to 3'],
  ])('are refused: %s', (_name, change, message) => {
    expect(() => selectBest({ ...input, ...change })).toThrow(message);
  });
});

describe('mean scores', () => {
  it('are sorted by response and name only the judges that gave a score', () => {
    const { responses, judgments } = inputOf(({ sample }, judge) => (judge === 'gpt-4' ? null : sample + 1));
    const means = meanScores({ responses: responses.toReversed(), judgments, judges });
    expect(means.map(({ responseId: id }) => id)).toEqual(responses.map(({ id }) => id).toSorted());
    expect(means[1]).toEqual({
      responseId: 'i0000007:gpt-4:1',
      model: 'gpt-4',
      sample: 1,
      scores: { llama: 2, qwen2: 2 },
      judges: 2,
      mean: 2,
    });
  });
});
