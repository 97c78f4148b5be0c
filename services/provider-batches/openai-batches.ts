import { EndpointUnavailableError, PermanentEndpointError } from '../endpoints/endpoint-errors';
import { sleep } from '../timing/sleep';
import type { BatchApi, BatchOrder, ProviderBatch, ResultLine } from './api';
import { countOf, type Fields, fieldsOf, parsed, textOf, timeOf } from './json';
import { type ProviderHttp, TRANSFER_TIMEOUT_MS } from './provider-http';

/** Where Together's API is not OpenAI's. */
interface Shape {
  readonly uploadPath: string;
  readonly purpose: string;
  /** Whether a line says method and URL, and a batch may carry metadata. */
  readonly isOpenAI: boolean;
}

/**
 * OpenAI: https://platform.openai.com/docs/api-reference/batch; Azure's and Groq's are of this shape
 * (https://learn.microsoft.com/azure/foundry/reference/rest/batches-create-batch, https://console.groq.com/docs/batch).
 * Together: https://docs.together.ai/reference/batch-create and https://docs.together.ai/docs/inference/batch/manage: its answer to a new
 * batch is `{job: {…}}`, its states are in upper case, its list is an array.
 */
const SHAPES: Readonly<Record<'openai' | 'together', Shape>> = {
  openai: { uploadPath: 'files', purpose: 'batch', isOpenAI: true },
  together: { uploadPath: 'files/upload', purpose: 'batch-api', isOpenAI: false },
};

const PAGE = 100;
const FILE_POLL_MS = 1_000;
const FILE_POLLS = 120;
/** States in which a file is not ready yet: Azure reads it before a batch may name it. */
const FILE_IN_WORK: readonly unknown[] = ['pending', 'running'];
const BAD_REQUEST = 400;
/** Stands for an error that says no status: the request is asked again. */
const BAD_GATEWAY = 502;

/** The name under which an order's tag stands in the metadata of a batch. */
const TAG = 'rehearse_order';

export function createOpenAIBatches(http: ProviderHttp, signal: AbortSignal, dialect: 'openai' | 'together'): BatchApi {
  const shape = SHAPES[dialect];

  async function readyFile(id: string): Promise<string> {
    for (let looks = 0; looks < FILE_POLLS; looks++) {
      const { status } = fieldsOf(await http.json('tell of the file of requests', `files/${id}`));
      if (status === 'error') throw new PermanentEndpointError(`${http.endpoint} refuses the file of requests ${id}; it does not say why`);
      if (!FILE_IN_WORK.includes(status)) return id;
      await sleep(FILE_POLL_MS, signal);
    }
    throw new EndpointUnavailableError(`${http.endpoint} does not get done with the file of requests ${id}; it is sent again`, {
      unsent: true,
    });
  }

  return {
    endpoint: http.endpoint,
    line: (customId, path, body) =>
      shape.isOpenAI
        ? `{"custom_id":${JSON.stringify(customId)},"method":"POST","url":"/v1/${path}","body":${body}}`
        : `{"custom_id":${JSON.stringify(customId)},"body":${body}}`,
    upload: async (tag, lines) => {
      const form = new FormData();
      form.set('purpose', shape.purpose);
      if (!shape.isOpenAI) {
        form.set('file_name', `${tag}.jsonl`);
        form.set('file_type', 'jsonl');
      }
      form.set(
        'file',
        new Blob(
          lines.map((line) => `${line}\n`),
          { type: 'application/jsonl' },
        ),
        `${tag}.jsonl`,
      );
      const file = fieldsOf(
        await http.json('take a file of requests', shape.uploadPath, { method: 'POST', body: form, timeoutMs: TRANSFER_TIMEOUT_MS }),
      );
      const id = textOf(file['id']);
      if (id === undefined) {
        throw new EndpointUnavailableError(`${http.endpoint} took a file of requests without an id for it; it is sent again`);
      }
      return FILE_IN_WORK.includes(file['status']) ? await readyFile(id) : id;
    },
    create: async ({ tag, path, file }: BatchOrder) =>
      readBatch(
        await http.json('create a batch', 'batches', {
          method: 'POST',
          body: JSON.stringify({
            input_file_id: file,
            endpoint: `/v1/${path}`,
            completion_window: '24h',
            ...(shape.isOpenAI ? { metadata: { [TAG]: tag } } : {}),
          }),
        }),
      ),
    batch: async (id) => {
      const found = await http.jsonOrNone('tell of a batch', `batches/${id}`);
      return found === undefined ? undefined : readBatch(found);
    },
    since: async function* (ms) {
      let after: string | undefined;
      for (;;) {
        const page = await http.json('list its batches', 'batches', {
          query: { ...(shape.isOpenAI ? { limit: String(PAGE) } : {}), ...(after === undefined ? {} : { after }) },
        });
        const batches = (Array.isArray(page) ? page : listOf(fieldsOf(page)['data'])).map(readBatch);
        for (const batch of batches) if (batch.createdAtMs >= ms) yield batch;
        const last = batches.at(-1);
        if (fieldsOf(page)['has_more'] !== true || last === undefined || last.id === after || last.createdAtMs < ms) return;
        after = last.id;
      }
    },
    cancel: async (id) => void (await http.json('cancel a batch', `batches/${id}/cancel`, { method: 'POST' })),
    results: async function* ({ resultFiles }) {
      for (const file of resultFiles) {
        for await (const line of http.lines('give the results of a batch', `files/${file}/content`)) {
          yield readLine(parsed(line));
        }
      }
    },
  };
}

function readBatch(body: unknown): ProviderBatch {
  const batch = fieldsOf(fieldsOf(body)['job'] ?? body);
  const counts = fieldsOf(batch['request_counts']);
  const status = String(batch['status']).toLowerCase();
  const resultFiles = [batch['output_file_id'], batch['error_file_id']].map(textOf).filter((file) => file !== undefined);
  const isFailed = status === 'failed' || status === 'error';
  return {
    id: textOf(batch['id']) ?? '',
    state: isFailed && resultFiles.length === 0 ? 'failed' : isFailed || ENDED.includes(status) ? 'ended' : 'running',
    isWhole: status === 'completed',
    createdAtMs: timeOf(batch['created_at']),
    requests: countOf(counts['total']),
    done: countOf(counts['completed']) + countOf(counts['failed']),
    inputFile: textOf(batch['input_file_id']),
    resultFiles,
    problem: isFailed ? problemOf(batch) : undefined,
  };
}

const ENDED: readonly string[] = ['completed', 'expired', 'cancelled', 'canceled'];

/** OpenAI's `errors: {data: [{code, message}]}`, or Together's `error` text. */
function problemOf(batch: Fields): NonNullable<ProviderBatch['problem']> {
  const first = fieldsOf(listOf(fieldsOf(batch['errors'])['data'])[0]);
  return { code: textOf(first['code']), message: textOf(first['message']) ?? textOf(batch['error']) ?? 'it does not say why' };
}

function readLine(body: unknown): ResultLine | undefined {
  const line = fieldsOf(body);
  const customId = textOf(line['custom_id']);
  if (customId === undefined) return undefined;
  const response = fieldsOf(line['response']);
  if (response['body'] !== undefined) {
    const status = countOf(Number(response['status_code'])) || 200;
    return { customId, outcome: status < 300 ? { reply: response['body'] } : { status, body: response['body'] } };
  }
  const error = fieldsOf(line['error']);
  if (UNRUN.includes(String(error['code']))) return { customId, outcome: { unrun: true } };
  const status = countOf(Number(error['status'] ?? error['code']));
  return { customId, outcome: { status: status >= BAD_REQUEST ? status : statusOf(error), body: { error } } };
}

/** Codes of lines that a batch did not come to. */
const UNRUN: readonly string[] = ['batch_expired', 'batch_cancelled', 'batch_canceled'];

function statusOf({ type }: Fields): number {
  return type === 'invalid_request_error' ? BAD_REQUEST : BAD_GATEWAY;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
