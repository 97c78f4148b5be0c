import { modelOf } from '../../config/models-in-use';
import { mergedRequest, withSettings, type ProbedSettings, type ProbeFindings } from '../../config/probe-findings';
import type { ModelSpec, RunSpec } from '../../config/spec';
import type { RequestSpec } from '../../config/spec-request';
import { endpointLabel, PermanentEndpointError } from '../endpoints/endpoint-errors';
import type { Endpoints } from '../endpoints/endpoints';
import { adviceFor } from '../endpoints/error-advice';
import type { ModelRequest } from '../endpoints/model-client';
import type { ModelFailure } from '../endpoints/model-errors';
import { readReply, type ModelReply } from '../endpoints/model-reply';
import { NULL_END } from '../endpoints/reply-ends';
import { addUsage, boundOf, NO_USAGE, usageOfReply } from './billing';
import { noteReply } from './probe-notes';
import { probeRequests, type ProbeRequest } from './probe-requests';
import type { OwnTemplates } from './steps/template-of';

/** Tokens that a template adds to a bare prompt, at least; a BOS and an EOS are two. */
const WRAPPED = 3;
/** The bare prompt, and eight of it: the difference of their tokens is what the prompt itself takes. */
const BARE = 'a';
const BARE_TIMES = 8;
/** Reasoning models refuse a reply that has no room for a thought. */
const ROOM_FOR_THOUGHTS = 1024;
/** So many fields of one request may be found wrong. */
const MOST_CHANGES = 6;

export interface ProbeOptions {
  readonly endpoints: Pick<Endpoints, 'client' | 'mendsOf'>;
  readonly spec: RunSpec;
  /** Name under `models`. */
  readonly name: string;
  /** The chat templates that were read for the run. */
  readonly templates?: OwnTemplates;
  readonly signal: AbortSignal;
  /** Told of each fault that is retried. */
  readonly onTransient?: (failure: ModelFailure) => void;
}

/** A model cannot do what the spec wants of it; what was found of it until then holds all the same. */
export class UnfitEndpointError extends PermanentEndpointError {
  constructor(
    message: string,
    failure: ModelFailure | undefined,
    readonly settings: ProbedSettings,
  ) {
    super(message, failure);
  }
}

/** A reply, and what it was asked for with. */
interface Answer {
  readonly body: unknown;
  readonly reply: ModelReply | undefined;
  readonly asked: ModelRequest['body'];
  /** The endpoint's filter took the words for something that it does not answer, which says nothing of the request's form. */
  readonly isFiltered?: true;
}

/**
 * Asks a model what the run will ask of it, in at most five requests of some tokens: the requests of its stages, with a short prompt.
 * What it refuses and what means the same without is found and left to the settings that are returned.
 * @throws UnfitEndpointError, with the way out, where the model cannot do what the spec wants of it; what the client throws
 */
export async function probeModel({ endpoints, spec, name, templates, signal, onTransient }: ProbeOptions): Promise<ProbeFindings> {
  const own = modelOf(spec, name);
  const endpoint = endpointLabel(name, own);
  const notes = new Set<string>();
  let settings: ProbedSettings = {};
  let usage = NO_USAGE;
  let answersChats = false;

  async function ask({ request }: ProbeRequest): Promise<Answer> {
    let asked = request.body;
    for (let change = 0; ; change++) {
      const model = withSettings(own, settings);
      const failure = await attempt(model, { ...request, body: asked });
      if (!('scope' in failure)) return failure;
      if (failure.kind === 'content_filter') return { body: undefined, reply: undefined, asked, isFiltered: true };
      const found = change < MOST_CHANGES ? settingFor(failure, model) : undefined;
      if (found !== undefined) settings = { ...settings, request: mergedRequest(settings.request ?? {}, found) };
      else if (wantsRoom(failure, asked)) asked = { ...asked, max_tokens: ROOM_FOR_THOUGHTS };
      else throw refusal(endpoint, failure, { ...request, body: asked });
    }
  }

  async function attempt(model: ModelSpec, request: ModelRequest): Promise<Answer | ModelFailure> {
    try {
      const outcome = await endpoints.client(name, model).call(request, { signal, ...(onTransient === undefined ? {} : { onTransient }) });
      if ('reply' in outcome) usage = addUsage(usage, usageOfReply(outcome.reply) ?? boundOf(request));
      if ('reply' in outcome) return { body: outcome.reply, reply: readReply(outcome.reply, request.body), asked: request.body };
      if ('refusal' in outcome) return outcome.refusal;
      throw new Error('a call without a limit of its own is never set aside');
    } catch (error) {
      if (error instanceof PermanentEndpointError && error.failure?.kind === 'unsupported') return error.failure;
      throw error;
    }
  }

  try {
    for (const probe of probeRequests(spec, name, templates)) {
      const answer = probe.wants === 'raw' && answersChats ? await ask(probe).catch(chatsAlone) : await ask(probe);
      if (answer.isFiltered) {
        notes.add('its content filter held a question of the probe back, so less is known of it');
        continue;
      }
      noteReply(answer.body, answer.reply, notes);
      if (own.tellsEnds !== false && answer.reply?.choices.some(({ finishReason }) => finishReason === NULL_END)) {
        settings = { ...settings, tellsEnds: false };
      }
      answersChats ||= probe.request.path === 'chat/completions';
      if (probe.wants === 'samples' && (answer.reply?.choices.length ?? 0) < 2) settings = { ...settings, supportsN: false };
      if (probe.wants === 'logprobs') checkLogprobs(endpoint, answer);
      if (probe.wants === 'raw') settings = { ...settings, ...(await bosOf(endpoint, probe, answer, ask)) };
    }
  } catch (error) {
    throw error instanceof PermanentEndpointError ? new UnfitEndpointError(error.message, error.failure, allFound()) : error;
  }
  return { settings: allFound(), notes: [...notes], usage };

  function allFound(): ProbedSettings {
    const fewer = endpoints.mendsOf(own).limits;
    return Object.keys(fewer).length === 0 ? settings : { ...settings, request: mergedRequest(settings.request ?? {}, { body: fewer }) };
  }

  /** Whoever has answered chats and refuses a raw prompt as such has no raw completions; a field or a key that it refuses is another matter. */
  function chatsAlone(error: unknown): never {
    const failure = error instanceof PermanentEndpointError ? error.failure : undefined;
    const isPath = failure?.kind === 'not_found' || (failure?.kind === 'refused' && failure.param === undefined);
    if (failure === undefined || !isPath) throw error;
    throw new PermanentEndpointError(
      `${endpoint} answers chats and takes no raw completions (POST /completions: HTTP ${failure.status}: ${shortened(failure)}), ` +
        'so it can generate and judge for a run and cannot be its target, since extraction sends the bare beginning of a turn; ' +
        'serve the weights with vLLM, SGLang or llama.cpp, let the run do it (serve: {engine: vllm}), or take a provider with raw completions (docs/endpoints.md)',
      failure,
    );
  }
}

/** What to change of a model's requests so that a refused field is no longer in the way; undefined where only a person can decide. */
function settingFor({ param, kind, message }: ModelFailure, { baseURL, request = {} }: ModelSpec): RequestSpec | undefined {
  if (param === undefined || request.omit?.includes(param) === true || Object.hasOwn(request.rename ?? {}, param)) return undefined;
  if (param === 'max_tokens' && (kind === 'unsupported' || /Use 'max_completion_tokens'/.test(message))) {
    return { rename: { max_tokens: 'max_completion_tokens' } };
  }
  // Replies are drawn at random all the same; only the same draw cannot be had again.
  if (param === 'seed') {
    return /(^|\.)mistral\.ai$/.test(new URL(baseURL).hostname) ? { rename: { seed: 'random_seed' } } : { omit: ['seed'] };
  }
  return param === 'add_special_tokens' ? { omit: ['add_special_tokens'] } : undefined;
}

/** Some models want room for a thought, some APIs 16 tokens at least. */
function wantsRoom({ status, param, message }: ModelFailure, asked: ModelRequest['body']): boolean {
  if ((status !== 400 && status !== 422) || Number(asked['max_tokens']) >= ROOM_FOR_THOUGHTS) return false;
  return param === 'max_tokens' || /output limit was reached|max_(?:completion_|output_|new_)?tokens/.test(message);
}

function refusal(endpoint: string, failure: ModelFailure, request: ModelRequest): PermanentEndpointError {
  const status = failure.status === undefined ? '' : ` (HTTP ${failure.status})`;
  return new PermanentEndpointError(
    `${endpoint} refuses what the run would ask of it${status}: ${shortened(failure)}; ${adviceFor(failure, request)}`,
    failure,
  );
}

function shortened({ message }: ModelFailure): string {
  return message.replace(/\s+/g, ' ').slice(0, 300);
}

function checkLogprobs(endpoint: string, { reply, asked }: Answer): void {
  const tokens = reply?.choices.flatMap((choice) => choice.tokens) ?? [];
  const isEmpty = reply === undefined || reply.choices.every(({ text }) => text === '');
  if (tokens.length > 0 || isEmpty) return;
  throw new PermanentEndpointError(
    `${endpoint} gives no logprobs; ${adviceFor({ kind: 'refused', param: 'logprobs' }, { path: 'chat/completions', body: asked })}`,
  );
}

/**
 * Whether raw prompts reach the model as they are, from the prompt tokens that the endpoint counts. One token more than the prompt is a
 * BOS; three more are a chat template, in which the pre-query template would be a user's words.
 */
async function bosOf(
  endpoint: string,
  { request }: ProbeRequest,
  answer: Answer,
  ask: (probe: ProbeRequest) => Promise<Answer>,
): Promise<Pick<ProbedSettings, 'addsBos'>> {
  const first = answer.reply?.usage?.promptTokens ?? 0;
  let extra = first - 1;
  if (extra >= WRAPPED - 1) {
    const prompt = Array.from({ length: BARE_TIMES }, () => BARE).join(' ');
    const more = (await ask({ wants: 'raw', request: { ...request, body: { ...request.body, prompt } } })).reply?.usage?.promptTokens;
    if (more !== undefined) extra = first - Math.max(1, Math.round((more - first) / (BARE_TIMES - 1)));
  }
  if (extra >= WRAPPED) {
    throw new PermanentEndpointError(
      `${endpoint} puts raw prompts into a chat template (a prompt of one token counts as ${first}), so what it writes after a bare pre-query template is an answer and no instruction; ` +
        'serve the same weights with an engine whose /completions takes raw prompts (llama.cpp for a GGUF file, vLLM, SGLang) and write its address as baseURL, or let the run do it: serve: {engine: llama.cpp}',
    );
  }
  return extra >= 1 && request.body['add_special_tokens'] === false ? { addsBos: true } : {};
}
