import { extracts, ownAnswersRows } from '../../config/own-answers';
import { SCORE_READINGS } from '../../config/score-readings';
import type { RunSpec } from '../../config/spec';
import { canonicalJson } from '../../method/canonical-json';
import type { Instruction, Response } from '../../method/records';
import type { ModelRequest } from '../endpoints/model-client';
import type { BatchItem, Exchange } from './batch-item';
import { extractionItems } from './steps/extraction';
import { judgmentItems } from './steps/judgment';
import { responseItems } from './steps/response';
import { formatOf, type OwnTemplates } from './steps/template-of';

/** A request of a probe, and what its reply is to tell. */
export interface ProbeRequest {
  readonly wants: 'reply' | 'samples' | 'logprobs' | 'raw';
  readonly request: ModelRequest;
}

/** Room for a word; some reasoning models refuse less than this. */
const FEW_TOKENS = 16;

const INSTRUCTION: Instruction = { id: 'i0000000', text: 'Hello', model: '', finishReason: 'stop', seed: 0, attempts: 1, usage: null };
const WRITTEN: Exchange = { reply: { choices: [{ text: 'Good.', finishReason: 'stop', tokens: [] }], usage: null }, error: undefined };

/**
 * The requests that a run will make of a model, each once, with a prompt of a word and a reply of some tokens: what the stages send is what
 * is tried. At most four; a raw prompt may take another one, where the model's chat format is known.
 * @param own the chat templates that were read for the run
 */
export function probeRequests(spec: RunSpec, name: string, own?: OwnTemplates): ProbeRequest[] {
  const { extract, respond, judge } = spec.synthesis;
  const format = formatOf(spec, name, own);
  const probes: ProbeRequest[] = [];
  if (respond.generators.includes(name) || (spec.target.model === name && ownAnswersRows(spec).length > 0)) {
    const request = firstOf(responseItems(spec, name, [INSTRUCTION], own)[0]);
    // Two samples are enough to see whether several come.
    if (request !== undefined) probes.push(short(request, Number(request.body['n']) > 1 ? { n: 2 } : {}));
  }
  if (judge.judges.includes(name)) {
    const generator = respond.generators[0] ?? name;
    const response: Response = {
      ...INSTRUCTION,
      id: `${INSTRUCTION.id}:${generator}:0`,
      instructionId: INSTRUCTION.id,
      model: generator,
      sample: 0,
    };
    const item = judgmentItems(spec, name, generator, { instructions: [INSTRUCTION], responses: [response] }, own)[0];
    const readsNext = SCORE_READINGS[judge.scoring].callsPerJudgment(format !== undefined) > 1;
    const request = firstOf(item, readsNext ? [WRITTEN] : []);
    if (request !== undefined) probes.push(short(request));
  }
  if (spec.target.model === name && format !== undefined && extracts(spec)) {
    const request = firstOf(extractionItems(spec, { index: 0, start: 0, end: Math.min(1, extract.instructions) }, { own })[0]);
    if (request !== undefined) probes.push({ ...short(request), wants: 'raw' });
  }
  const seen = new Set<string>();
  return probes.filter(({ request: { path, body } }) => {
    const key = canonicalJson([path, { ...body, seed: 0 }]);
    return !seen.has(key) && seen.add(key).size > 0;
  });
}

function firstOf<Row>(item: BatchItem<Row> | undefined, exchanges: readonly Exchange[] = []): ModelRequest | undefined {
  const step = item?.next(exchanges);
  return step?.do === 'call' ? step.request : undefined;
}

/** The same request with a prompt and a reply of some tokens. */
function short({ path, body }: ModelRequest, change: Readonly<Record<string, unknown>> = {}): ProbeRequest {
  const isRaw = path === 'completions';
  const prompt = isRaw ? { prompt: 'a' } : { messages: [{ role: 'user', content: 'Say "Hi".' }] };
  const most = Math.min(isRaw ? 1 : FEW_TOKENS, Number(body['max_tokens']));
  const wanted = { ...body, ...prompt, max_tokens: most, ...change };
  const wants = Number(wanted['n' as keyof typeof wanted]) > 1 ? 'samples' : body['logprobs'] === undefined ? 'reply' : 'logprobs';
  return { wants, request: { path, body: wanted, tokenEstimate: 2 * FEW_TOKENS } };
}
