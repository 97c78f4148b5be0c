import { modelOf } from '../../../config/models-in-use';
import { samplingFor } from '../../../config/sampling';
import type { RunSpec } from '../../../config/spec';
import { thinkingFields, withRoom } from '../../../config/thinking';
import { instructionIndex, responseId } from '../../../method/ids';
import { checkResponse, wellFormed } from '../../../method/instructions';
import { neutralizer } from '../../../method/neutral-text';
import type { Failure, Instruction, Response } from '../../../method/records';
import { deriveSeed } from '../../../method/seeds';
import { promptOf } from '../../../method/selection';
import type { BatchItem, Exchange, Step } from '../batch-item';
import { refusalFailure } from './failures';
import { retrySampling } from './retry-sampling';
import { endOf, opensThoughts, saidIn, type Thinker } from './said';
import { formatOf, type OwnTemplates } from './template-of';
import { estimateTokens } from './token-estimate';
import { evenPart } from './usage';

/**
 * One item per instruction where the endpoint supports `n`, so that the samples share one prompt; else one item per sample.
 * Unusable samples are requested again with another seed.
 */
export function responseItems(
  spec: RunSpec,
  generator: string,
  instructions: readonly Instruction[],
  own?: OwnTemplates,
): BatchItem<Response>[] {
  const format = formatOf(spec, generator, own);
  const neutral = neutralizer(format?.structure ?? [], format?.knowsTokens === true);
  const { samples } = spec.synthesis.respond;
  const numbers = Array.from({ length: samples }, (_, sample) => sample);
  const groups = modelOf(spec, generator).supportsN ? [numbers] : numbers.map((sample) => [sample]);
  const thinker = { thinking: modelOf(spec, generator).thinking, opens: opensThoughts(format, modelOf(spec, generator)) };
  return instructions.flatMap((instruction) => groups.map((group) => item(spec, generator, instruction, group, { neutral, thinker })));
}

function item(
  spec: RunSpec,
  generator: string,
  instruction: Instruction,
  wanted: readonly number[],
  { neutral, thinker }: { readonly neutral: ReturnType<typeof neutralizer>; readonly thinker: Thinker },
): BatchItem<Response> {
  const { respond } = spec.synthesis;
  const model = modelOf(spec, generator);
  const sampling = withRoom(samplingFor(respond, generator), model);
  const thinking = thinkingFields(model);
  const index = instructionIndex(instruction.id);
  const idOf = (sample: number): string => responseId(instruction.id, generator, sample);
  const seedOf = (sample: number, attempt: number): number =>
    deriveSeed({ runSeed: spec.seed, stage: `respond:${generator}`, itemIndex: index, sample, attempt });

  return {
    id: wanted.length > 1 ? `${instruction.id}:${generator}` : idOf(wanted[0] ?? 0),
    next(exchanges: readonly Exchange[]): Step<Response> {
      const rows: Response[] = [];
      const failures: Failure[] = [];
      let open = wanted.map((sample) => ({ sample, tries: 0 }));
      let isOneByOne = false;
      for (const [attempt, { reply, error }] of exchanges.entries()) {
        if (error !== undefined) {
          const refusals = open.map(({ sample }) => refusalFailure('respond', idOf(sample), generator, error, attempt + 1));
          return { do: 'done', rows, failures: [...failures, ...refusals] };
        }
        const asked = isOneByOne ? open.slice(0, 1) : open;
        const choices = reply?.choices ?? [];
        const usage = evenPart(reply?.usage ?? null, choices.length);
        const seed = seedOf(asked[0]?.sample ?? 0, attempt);
        // An endpoint that gives fewer choices than requested (some ignore n) has not tried the others, so none of their attempts is used up.
        const tried = choices.length === 0 ? asked : asked.slice(0, choices.length);
        if (choices.length === 1 && asked.length > 1) isOneByOne = true;
        const again: typeof open = [];
        for (const [position, { sample, tries }] of tried.entries()) {
          const choice = choices[position];
          const said = choice === undefined ? undefined : saidIn(choice, thinker, reply?.thoughtTokens);
          const reading =
            choice === undefined || said === undefined
              ? { rejected: 'no choices' }
              : checkResponse(said.text, endOf(choice, model), respond);
          if ('text' in reading) {
            rows.push({
              id: idOf(sample),
              instructionId: instruction.id,
              model: generator,
              sample,
              text: reading.text,
              ...(said?.reasoning === undefined ? {} : { reasoning: wellFormed(said.reasoning) }),
              finishReason: choice === undefined ? null : endOf(choice, model),
              seed,
              attempts: attempt + 1,
              usage,
            });
          } else if (tries + 1 < respond.maxAttempts) {
            again.push({ sample, tries: tries + 1 });
          } else {
            const reason = reading.rejected === 'empty' ? (said?.rejected ?? 'empty') : reading.rejected;
            failures.push({ stage: 'respond', id: idOf(sample), model: generator, reason, attempts: tries + 1 });
          }
        }
        open = [...again, ...open.slice(tried.length)];
      }
      const next = isOneByOne ? open.slice(0, 1) : open;
      const first = next[0];
      if (first === undefined) return { do: 'done', rows, failures };
      const { maxTokens, temperature, topP } = retrySampling(sampling, first.tries);
      return {
        do: 'call',
        request: {
          path: 'chat/completions',
          body: {
            messages: promptOf(instruction).map(({ role, content }) => ({ role, content: neutral(content).text })),
            max_tokens: maxTokens,
            temperature,
            top_p: topP,
            ...thinking,
            seed: seedOf(first.sample, exchanges.length),
            ...(next.length > 1 ? { n: next.length } : {}),
          },
          tokenEstimate: estimateTokens((instruction.system ?? '') + instruction.text) + maxTokens * next.length,
        },
      };
    },
  };
}
