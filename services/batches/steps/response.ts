import { modelOf } from '../../../config/models-in-use';
import { samplingFor } from '../../../config/sampling';
import type { RunSpec } from '../../../config/spec';
import { instructionIndex, responseId } from '../../../method/ids';
import { checkResponse } from '../../../method/instructions';
import type { Failure, Instruction, Response } from '../../../method/records';
import { deriveSeed } from '../../../method/seeds';
import type { BatchItem, Exchange, Step } from '../batch-item';
import { refusalFailure } from './failures';
import { retrySampling } from './retry-sampling';
import { estimateTokens } from './token-estimate';
import { evenPart } from './usage';

/**
 * One item per instruction where the endpoint supports `n`, so that the samples share one prompt; else one item per sample.
 * Unusable samples are requested again with another seed.
 */
export function responseItems(spec: RunSpec, generator: string, instructions: readonly Instruction[]): BatchItem<Response>[] {
  const { samples } = spec.synthesis.respond;
  const numbers = Array.from({ length: samples }, (_, sample) => sample);
  const groups = modelOf(spec, generator).supportsN ? [numbers] : numbers.map((sample) => [sample]);
  return instructions.flatMap((instruction) => groups.map((group) => item(spec, generator, instruction, group)));
}

function item(spec: RunSpec, generator: string, instruction: Instruction, wanted: readonly number[]): BatchItem<Response> {
  const { respond } = spec.synthesis;
  const sampling = samplingFor(respond, generator);
  const index = instructionIndex(instruction.id);
  const idOf = (sample: number): string => responseId(instruction.id, generator, sample);
  const seedOf = (sample: number, attempt: number): number =>
    deriveSeed({ runSeed: spec.seed, stage: `respond:${generator}`, itemIndex: index, sample, attempt });

  return {
    id: wanted.length > 1 ? `${instruction.id}:${generator}` : idOf(wanted[0] ?? 0),
    next(exchanges: readonly Exchange[]): Step<Response> {
      const rows: Response[] = [];
      let missing = [...wanted];
      let reasons = new Map<number, string>();
      let tries = 0;
      for (const [attempt, { reply, error }] of exchanges.entries()) {
        if (error !== undefined) {
          return {
            do: 'done',
            rows,
            failures: missing.map((sample) => refusalFailure('respond', idOf(sample), generator, error, attempt + 1)),
          };
        }
        const choices = reply?.choices ?? [];
        const usage = evenPart(reply?.usage ?? null, choices.length);
        const seed = seedOf(missing[0] ?? 0, attempt);
        const still: number[] = [];
        reasons = new Map();
        for (const [position, sample] of missing.entries()) {
          const choice = choices[position];
          const reading = choice === undefined ? { rejected: 'no choices' } : checkResponse(choice.text, choice.finishReason, respond);
          if ('text' in reading) {
            rows.push({
              id: idOf(sample),
              instructionId: instruction.id,
              model: generator,
              sample,
              text: reading.text,
              finishReason: choice?.finishReason ?? null,
              seed,
              attempts: attempt + 1,
              usage,
            });
          } else {
            reasons.set(sample, reading.rejected);
            still.push(sample);
          }
        }
        // An endpoint that returns fewer choices than requested (some ignore n) has not tried the others, so none of their attempts is
        // used up. This ends, since each such reply has at least one usable sample.
        const short = choices.length < missing.length && still.length < missing.length;
        if (!short) tries++;
        missing = still;
      }
      const attempts = exchanges.length;
      if (missing.length === 0 || tries >= respond.maxAttempts) {
        const failures = missing.map((sample): Failure => ({
          stage: 'respond',
          id: idOf(sample),
          model: generator,
          reason: reasons.get(sample) ?? 'no reply',
          attempts,
        }));
        return { do: 'done', rows, failures };
      }
      const { maxTokens, temperature, topP } = retrySampling(sampling, tries);
      return {
        do: 'call',
        request: {
          path: 'chat/completions',
          body: {
            messages: [{ role: 'user', content: instruction.text }],
            max_tokens: maxTokens,
            temperature,
            top_p: topP,
            seed: seedOf(missing[0] ?? 0, attempts),
            ...(missing.length > 1 ? { n: missing.length } : {}),
          },
          tokenEstimate: estimateTokens(instruction.text) + maxTokens * missing.length,
        },
      };
    },
  };
}
