import { extractionStops } from '../../../config/extraction-stops';
import { modelOf } from '../../../config/models-in-use';
import type { RunSpec } from '../../../config/spec';
import { instructionId } from '../../../method/ids';
import { cleanInstruction, wellFormed } from '../../../method/instructions';
import type { Instruction } from '../../../method/records';
import { deriveSeed } from '../../../method/seeds';
import { checkBos } from '../../../method/templates';
import { opensWithThoughts } from '../../../method/thoughts';
import type { Shard } from '../../../stages/planned';
import { plainSampling, type Engine } from '../../endpoints/engine';
import type { ReplyChoice } from '../../endpoints/model-reply';
import type { BatchItem, Exchange, Step } from '../batch-item';
import { refusalFailure } from './failures';
import { endOf, type Said, saidIn } from './said';
import { bosHandling, stopStrings, templateOf, type OwnTemplates } from './template-of';

/** What of a run and its endpoint an extraction must know besides the spec. */
export interface ExtractionSetting {
  /** The chat templates that were read for the run. */
  readonly own?: OwnTemplates;
  /** What answers at the target's endpoint, where that is known and its own fields are to be sent. */
  readonly engine?: Engine | undefined;
}

/** One item per instruction: the bare pre-query template, retried with another seed while the reply is unusable. */
export function extractionItems(spec: RunSpec, shard: Shard, { own, engine }: ExtractionSetting = {}): BatchItem<Instruction>[] {
  const { sampling, stopAtNewline, maxAttempts, acceptTruncated } = spec.synthesis.extract;
  const model = spec.target.model;
  const template = templateOf(spec, model, own);
  const { prompt, addSpecialTokens } = checkBos({ prompt: template.preQuery, template, handling: bosHandling(modelOf(spec, model)) });
  // Cut here too: a server may ignore stop strings.
  const ends = stopAtNewline ? { ...template, stop: [...template.stop, '\n'] } : template;
  const body = {
    prompt,
    max_tokens: sampling.maxTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    stop: stopStrings(template.stop, extractionStops(spec.synthesis.extract)),
    ...(addSpecialTokens === undefined ? {} : { add_special_tokens: addSpecialTokens }),
    ...plainSampling(engine, template.stopTokenIds ?? []),
  };

  function item(index: number): BatchItem<Instruction> {
    const id = instructionId(index);
    const seedOf = (attempt: number): number => deriveSeed({ runSeed: spec.seed, stage: 'extract', itemIndex: index, sample: 0, attempt });
    return {
      id,
      next(exchanges: readonly Exchange[]): Step<Instruction> {
        const last = exchanges.at(-1);
        const attempts = exchanges.length;
        let reason: string | undefined;
        if (last?.error !== undefined) {
          return { do: 'done', rows: [], failures: [refusalFailure('extract', id, model, last.error, attempts)] };
        }
        if (last !== undefined) {
          const choice = last.reply?.choices[0];
          const said = choice === undefined ? undefined : instructionIn(choice);
          const reading =
            choice === undefined || said === undefined
              ? { rejected: 'no choices' }
              : cleanInstruction(said.text, endOf(choice, modelOf(spec, model)), ends, { acceptTruncated });
          if ('text' in reading) {
            const { text } = reading;
            const row: Instruction = {
              id,
              text,
              ...(said?.reasoning === undefined ? {} : { reasoning: wellFormed(said.reasoning) }),
              model,
              finishReason: choice === undefined ? null : endOf(choice, modelOf(spec, model)),
              seed: seedOf(attempts - 1),
              attempts,
              usage: last.reply?.usage ?? null,
            };
            return { do: 'done', rows: [row], failures: [] };
          }
          reason = reading.rejected === 'empty' ? (said?.rejected ?? 'empty') : reading.rejected;
        }
        if (reason !== undefined && attempts >= maxAttempts) {
          return { do: 'done', rows: [], failures: [{ stage: 'extract', id, model, reason, attempts }] };
        }
        return {
          do: 'call',
          request: { path: 'completions', body: { ...body, seed: seedOf(attempts) }, tokenEstimate: sampling.maxTokens + 16 },
        };
      },
    };
  }

  return Array.from({ length: shard.end - shard.start }, (_, offset) => item(shard.start + offset));
}

/** Thoughts before an instruction are no part of it; those behind it are of another turn, at which it is cut. */
function instructionIn(choice: ReplyChoice): Said {
  return choice.reasoning === undefined && !opensWithThoughts(choice.text) ? { text: choice.text } : saidIn(choice, {});
}
