import { PermanentEndpointError } from '../endpoints/endpoint-errors';
import { chatCompletionOf, messagesParams } from './anthropic-messages';
import type { BatchApi, ProviderBatch, ResultLine } from './api';
import { countOf, fieldsOf, parsed, textOf, timeOf } from './json';
import { type ProviderHttp, TRANSFER_TIMEOUT_MS } from './provider-http';

const PATH = 'messages/batches';
const PAGE = 100;

/** https://platform.claude.com/docs/en/api/errors */
const STATUS_OF: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/**
 * Anthropic's message batches: https://platform.claude.com/docs/en/api/messages/batches. One request orders a batch, without a file before
 * it and without a name of ours on it; lists tell times and counts. Custom ids are `^[a-zA-Z0-9_-]{1,64}$`.
 */
export function createAnthropicBatches(http: ProviderHttp): BatchApi {
  return {
    endpoint: http.endpoint,
    line: (customId, path, body) => {
      if (path !== 'chat/completions') {
        throw new PermanentEndpointError(
          `${http.endpoint} takes no raw completions in a batch; set mode: live, or synthesis.judge.scoring: text`,
        );
      }
      return JSON.stringify({ custom_id: customId, params: messagesParams(fieldsOf(parsed(body))) });
    },
    upload: async () => await Promise.resolve(null),
    create: async ({ lines }) =>
      readBatch(
        await http.json('create a batch', PATH, {
          method: 'POST',
          body: `{"requests":[${lines.join(',')}]}`,
          timeoutMs: TRANSFER_TIMEOUT_MS,
        }),
      ),
    batch: async (id) => {
      const found = await http.jsonOrNone('tell of a batch', `${PATH}/${id}`);
      return found === undefined ? undefined : readBatch(found);
    },
    since: async function* (ms) {
      let after: string | undefined;
      for (;;) {
        const page = fieldsOf(
          await http.json('list its batches', PATH, {
            query: { limit: String(PAGE), ...(after === undefined ? {} : { after_id: after }) },
          }),
        );
        const batches = (Array.isArray(page['data']) ? page['data'] : []).map(readBatch);
        for (const batch of batches) if (batch.createdAtMs >= ms) yield batch;
        const last = batches.at(-1);
        if (page['has_more'] !== true || last === undefined || last.id === after || last.createdAtMs < ms) return;
        after = last.id;
      }
    },
    cancel: async (id) => void (await http.json('cancel a batch', `${PATH}/${id}/cancel`, { method: 'POST' })),
    // Not `results_url`: the key goes nowhere but below baseURL.
    results: async function* ({ id }) {
      for await (const line of http.lines('give the results of a batch', `${PATH}/${id}/results`)) {
        yield readLine(parsed(line));
      }
    },
  };
}

function readBatch(body: unknown): ProviderBatch {
  const batch = fieldsOf(body);
  const counts = fieldsOf(batch['request_counts']);
  const done = ['succeeded', 'errored'].reduce((sum, name) => sum + countOf(counts[name]), 0);
  const unrun = ['canceled', 'expired'].reduce((sum, name) => sum + countOf(counts[name]), 0);
  return {
    id: textOf(batch['id']) ?? '',
    state: batch['processing_status'] === 'ended' ? 'ended' : 'running',
    isWhole: batch['processing_status'] === 'ended' && unrun === 0,
    createdAtMs: timeOf(batch['created_at']),
    requests: done + unrun + countOf(counts['processing']),
    done,
    inputFile: undefined,
    resultFiles: [],
    problem: undefined,
  };
}

function readLine(body: unknown): ResultLine | undefined {
  const line = fieldsOf(body);
  const customId = textOf(line['custom_id']);
  if (customId === undefined) return undefined;
  const result = fieldsOf(line['result']);
  if (result['type'] === 'succeeded') return { customId, outcome: { reply: chatCompletionOf(result['message']) } };
  if (result['type'] === 'canceled' || result['type'] === 'expired') return { customId, outcome: { unrun: true } };
  // `{type: error, error: {type, message}}`, or the inner part alone.
  const outer = fieldsOf(result['error']);
  const error = fieldsOf(outer['error'] ?? outer);
  return { customId, outcome: { status: STATUS_OF[String(error['type'])] ?? 500, body: { error } } };
}
