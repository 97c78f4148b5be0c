import { modelOf } from '../../../config/models-in-use';
import { samplingFor } from '../../../config/sampling';
import type { ModelSpec, RunSpec } from '../../../config/spec';
import { withRoom } from '../../../config/thinking';
import { instructionIndex, judgmentId } from '../../../method/ids';
import { isBroken } from '../../../method/instructions';
import { renderJudgePrompt } from '../../../method/judge-prompt';
import type { Instruction, Judgment, Response } from '../../../method/records';
import { deriveSeed } from '../../../method/seeds';
import { CANNOT_WIN } from '../../../method/skipped';
import type { ModelRequest } from '../../endpoints/model-client';
import type { BatchItem, Exchange, Step } from '../batch-item';
import { refusalFailure } from './failures';
import { endOf } from './said';
import { SCORING_METHODS, type ScoreReading } from './scoring';
import { bosHandling, formatOf, type OwnTemplates } from './template-of';
import { estimateTokens } from './token-estimate';
import { totalUsage } from './usage';

/** One item per response: the prompt of the paper's Table 2, retried with another seed while no score can be read. */
export function judgmentItems(
  spec: RunSpec,
  judge: string,
  generator: string,
  {
    instructions,
    responses,
    skip = new Set(),
  }: {
    readonly instructions: readonly Instruction[];
    readonly responses: readonly Response[];
    /** Ids of responses that cannot win: they get a row that says so, and no call. */
    readonly skip?: ReadonlySet<string>;
  },
  own?: OwnTemplates,
): BatchItem<Judgment>[] {
  const { scoring, maxAttempts, minRatingMass } = spec.synthesis.judge;
  const model = modelOf(spec, judge);
  const sampling = withRoom(samplingFor(spec.synthesis.judge, judge), model);
  const texts = new Map(instructions.map(({ id, system, text }) => [id, system === undefined ? text : `${system}\n\n${text}`]));
  const method = SCORING_METHODS[scoring]({
    sampling,
    minRatingMass,
    model,
    template: formatOf(spec, judge, own),
    bosHandling: bosHandling(model),
  });

  function item(response: Response): BatchItem<Judgment> {
    const id = judgmentId(response.id, judge);
    const instruction = texts.get(response.instructionId);
    if (instruction === undefined) {
      throw new Error(
        `response ${response.id} has no instruction among those of its shard; remove the shard's stored responses and start the run again`,
      );
    }
    const seedOf = (attempt: number): number =>
      deriveSeed({
        runSeed: spec.seed,
        stage: `judge:${judge}:${generator}`,
        itemIndex: instructionIndex(response.instructionId),
        sample: response.sample,
        attempt,
      });
    return {
      id,
      next(exchanges: readonly Exchange[]): Step<Judgment> {
        const used = exchanges.slice(-method.callsPerAttempt);
        const attempts = Math.ceil(exchanges.length / method.callsPerAttempt);
        const row = {
          id,
          responseId: response.id,
          instructionId: response.instructionId,
          judge,
          scoredBy: scoring,
          attempts,
          usage: totalUsage(exchanges),
        };
        if (skip.has(response.id)) {
          return { do: 'done', rows: [{ ...row, attempts: 0, score: null, raw: '', reason: CANNOT_WIN, seed: seedOf(0) }], failures: [] };
        }
        const refusal = exchanges.at(-1)?.error;
        if (refusal !== undefined) {
          const failure = refusalFailure('judge', id, judge, refusal, attempts);
          return {
            do: 'done',
            rows: [{ ...row, score: null, raw: '', reason: failure.reason, seed: seedOf(attempts - 1) }],
            failures: [failure],
          };
        }
        const inAttempt = exchanges.length % method.callsPerAttempt;
        if (exchanges.length > 0 && inAttempt === 0) {
          const reading = brokenReading(used, model) ?? method.read(used, { instruction, response: response.text });
          const seed = seedOf(attempts - 1);
          if (reading.score !== null) return { do: 'done', rows: [{ ...row, ...reading, seed }], failures: [] };
          if (attempts >= maxAttempts) {
            const reason = reading.reason ?? 'no score';
            return {
              do: 'done',
              rows: [{ ...row, ...reading, reason, seed }],
              failures: [{ stage: 'judge', id, model: judge, reason, attempts }],
            };
          }
        }
        const attempt = Math.floor(exchanges.length / method.callsPerAttempt);
        // Rendered when it is sent: the prompts of all items at once would fill the memory.
        const prompt = renderJudgePrompt({ instruction, response: response.text });
        const request: ModelRequest = {
          ...method.request(prompt, exchanges.slice(exchanges.length - inAttempt), { seed: seedOf(attempt), attempt }),
          tokenEstimate: estimateTokens(prompt) + sampling.maxTokens,
        };
        return { do: 'call', request };
      },
    };
  }

  // All judge requests start with the rubric; those of one instruction share a longer prefix, and stay adjacent.
  return [...responses].sort((a, b) => (a.id < b.id ? -1 : 1)).map(item);
}

/** A judgment that broke off may have been about to say something else. */
function brokenReading(exchanges: readonly Exchange[], model: ModelSpec): ScoreReading | undefined {
  for (const { reply } of exchanges) {
    const choice = reply?.choices[0];
    const end = choice === undefined ? null : endOf(choice, model);
    if (choice !== undefined && isBroken(end)) return { score: null, raw: choice.text, reason: end };
  }
  return undefined;
}
