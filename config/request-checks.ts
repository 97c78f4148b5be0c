import type { RunSpec } from './spec';
import { showValue, type Finding } from './spec-errors';

/** Fields of `request.body` that have a place of their own in the spec, or that no stage could live with. */
const BODY_ELSEWHERE: Readonly<Record<string, string>> = {
  model: 'write it as model',
  messages: 'a stage writes it; remove it',
  prompt: 'a stage writes it; remove it',
  stream: 'replies are read whole; remove it, or write false',
  stream_options: 'replies are read whole; remove it',
  n: 'write it as synthesis.respond.samples',
  best_of: 'write it as synthesis.respond.samples',
  temperature: 'write it under sampling or perModel of the stage',
  top_p: 'write it as topP under sampling or perModel of the stage',
  max_tokens: 'write it as maxTokens under sampling or perModel of the stage',
  max_completion_tokens: 'write request.rename: {max_tokens: max_completion_tokens}, and maxTokens under sampling',
  max_output_tokens: 'write request.rename: {max_tokens: max_output_tokens}, and maxTokens under sampling',
  max_new_tokens: 'write request.rename: {max_tokens: max_new_tokens}, and maxTokens under sampling',
  seed: "write the run's seed",
  stop: 'write it under synthesis.extract.stop',
};

/** Fields that every request needs, whatever they are called. */
const NEEDED: readonly string[] = ['model', 'messages', 'prompt', 'max_tokens'];

/** Headers that the client or the connection writes. */
const OWN_HEADERS: readonly string[] = [
  'host',
  'content-type',
  'content-length',
  'transfer-encoding',
  'connection',
  'accept',
  'expect',
  'te',
];

/** Names of query fields under which services expect a key. */
const SECRET_QUERY = /^(.*[-_])?(api[-_]?key|key|token|secret|sig|signature|password|code|subscription[-_]key)$/i;

/** Settings of `models.NAME.request` that contradict the rest of the spec or each other. */
export function requestProblems(spec: RunSpec): Finding[] {
  return Object.entries(spec.models).flatMap(([name, model]) => {
    const { request } = model;
    if (request === undefined) return [];
    const at = (...more: PropertyKey[]): PropertyKey[] => ['models', name, 'request', ...more];
    const { body = {}, query = {}, headersEnv = {}, omit = [], rename = {} } = request;
    const findings: Finding[] = [];
    for (const [field, value] of Object.entries(body)) {
      const hint = BODY_ELSEWHERE[field];
      // Some endpoints stream unless they are told not to.
      if (hint !== undefined && !(field === 'stream' && value === false)) {
        findings.push({ at: at('body', field), value: showValue(value, field), expected: 'a field that no stage sends', hint });
      } else if (omit.includes(field)) findings.push(both(at('body', field), field, 'omit'));
    }
    omit.forEach((field, index) => {
      if (NEEDED.includes(field)) {
        findings.push({
          at: at('omit', index),
          value: showValue(field),
          expected: 'a field that a request can do without',
          hint:
            field === 'max_tokens'
              ? 'rename it where the endpoint calls it otherwise: rename: {max_tokens: max_completion_tokens}'
              : 'remove it',
        });
      }
      if (Object.hasOwn(rename, field)) findings.push(both(at('omit', index), field, 'rename'));
    });
    const targets = Object.values(rename);
    for (const [from, to] of Object.entries(rename)) {
      const taken = from === to || NEEDED.includes(to) || Object.hasOwn(body, to) || targets.filter((each) => each === to).length > 1;
      if (from === 'model' || from === 'messages' || from === 'prompt') {
        findings.push({
          at: at('rename', from),
          value: showValue(to),
          expected: 'another field',
          hint: `${from} has this name everywhere; remove it`,
        });
      } else if (taken) {
        findings.push({
          at: at('rename', from),
          value: showValue(to),
          expected: 'a name that no other field of the request has',
          hint: 'choose another one',
        });
      }
    }
    for (const header of Object.keys(headersEnv)) {
      const lower = header.toLowerCase();
      if (OWN_HEADERS.includes(lower)) {
        findings.push({
          at: at('headersEnv', header),
          value: showValue(header),
          expected: 'a header that the client does not write itself',
          hint: 'remove it',
        });
      } else if (lower === 'authorization' && model.apiKeyEnv !== undefined) {
        findings.push({
          at: at('headersEnv', header),
          value: showValue(header),
          expected: 'no second authorization beside apiKeyEnv, which sends one',
          hint: 'remove one of the two',
        });
      }
    }
    for (const field of Object.keys(query)) {
      if (SECRET_QUERY.test(field)) {
        findings.push({
          at: at('query', field),
          value: 'a hidden value',
          expected: 'no secret in a spec',
          hint: 'send the key as a header: request.headersEnv, or apiKeyEnv',
        });
      }
    }
    return findings;
  });
}

function both(at: readonly PropertyKey[], field: string, other: string): Finding {
  return { at, value: showValue(field), expected: `a field that is not under ${other} too`, hint: 'remove one of the two' };
}
