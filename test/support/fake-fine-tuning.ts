import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

type Json = Record<string, unknown>;

export interface FakeFile {
  readonly id: string;
  readonly object: 'file';
  readonly filename: string;
  readonly purpose: string;
  readonly bytes: number;
  readonly created_at: number;
  readonly text: string;
  status: 'uploaded' | 'processed' | 'error';
  status_details?: string;
}

export interface FakeJob {
  readonly id: string;
  readonly object: 'fine_tuning.job';
  readonly model: string;
  readonly training_file: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: number;
  readonly seed: number;
  /** The request that created it. */
  readonly request: Json;
  status: 'validating_files' | 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  fine_tuned_model: string | null;
  trained_tokens: number | null;
  finished_at: number | null;
  error: { code: string; message: string; param: string | null } | null;
  /** Looks at it so far; one more each time it is retrieved. */
  looks: number;
}

export interface FakeFineTuningOptions {
  readonly apiKey?: string;
  /** Looks at a job that find it at work; the next finds it at its end. Default: 2. */
  readonly looksUntilDone?: number;
  readonly steps?: number;
  /** Why every file is refused once it is processed. */
  readonly refuseFiles?: string;
  /** How every job ends, instead of with success. */
  readonly failJobs?: { readonly code: string; readonly message: string };
  /** Entries of a page, whatever is asked for. */
  readonly mostOfPage?: number;
  /** `true`: jobs are listed without regard to `metadata[…]`, as by providers that do not know it. */
  readonly ignoresMetadata?: boolean;
  /** What becomes of a request, by its method and path after `/v1/`; undefined: it is answered. */
  readonly faultOf?: (request: string, number: number) => Fault | undefined;
}

export type Fault =
  | { readonly status: number; readonly code?: string; readonly message?: string; readonly headers?: Readonly<Record<string, string>> }
  /** It is done, but the reply never comes. */
  | 'done-then-silence'
  /** It is done, and the connection cut instead of a reply. */
  | 'done-then-reset';

const EPOCHS = 3;

/** A local server of OpenAI's fine-tuning API: files, jobs, events, checkpoints, all in memory, jobs at work by being looked at. */
export class FakeFineTuning {
  readonly files: FakeFile[] = [];
  readonly jobs: FakeJob[] = [];
  /** `POST files`, `GET fine_tuning/jobs/…`, in order of arrival. */
  readonly requests: string[] = [];
  /** See the option; for jobs that run as well. */
  looksUntilDone: number;
  private readonly events = new EventEmitter();
  private readonly server = createServer((incoming, response) => {
    this.handle(incoming, response).catch((error: unknown) => response.destroy(error as Error));
  });

  private constructor(private readonly options: FakeFineTuningOptions) {
    this.looksUntilDone = options.looksUntilDone ?? 2;
  }

  static async start(options: FakeFineTuningOptions = {}): Promise<FakeFineTuning> {
    const fake = new FakeFineTuning(options);
    await new Promise<void>((resolve) => fake.server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get baseURL(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  /** Resolves when a request of this kind has been dealt with. */
  async once(request: string): Promise<void> {
    await new Promise<void>((resolve) => this.events.once(request, resolve));
  }

  private async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '', 'http://fake');
    const path = url.pathname.replace(/^\/v1\//, '');
    const kind = `${incoming.method} ${path}`;
    this.requests.push(kind);
    const body = await buffer(incoming);
    const { apiKey } = this.options;
    if (apiKey !== undefined && incoming.headers.authorization !== `Bearer ${apiKey}`) {
      sendError(response, {
        status: 401,
        code: 'invalid_api_key',
        message: `Incorrect API key provided: ${incoming.headers.authorization?.replace('Bearer ', '')}.`,
      });
      return;
    }
    const fault = this.options.faultOf?.(kind, this.requests.filter((each) => each === kind).length);
    if (typeof fault === 'object') {
      sendError(response, fault);
      return;
    }
    const reply = await this.answer(kind, url, body, incoming.headers['content-type'] ?? '');
    if (fault === 'done-then-reset') response.socket?.resetAndDestroy();
    else if (fault === undefined) {
      send(
        response,
        reply === undefined ? 404 : 200,
        reply ?? { error: { message: `no such thing: ${path}`, type: 'invalid_request_error', code: null } },
      );
    }
    this.events.emit(kind);
  }

  private async answer(kind: string, url: URL, body: Buffer, type: string): Promise<Json | undefined> {
    const [, resource, id, part] = /^(?:GET|POST|DELETE) (files|fine_tuning\/jobs)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(kind) ?? [];
    if (resource === 'files') {
      if (id !== undefined) return this.lookAtFile(id);
      return kind.startsWith('POST')
        ? await this.takeFile(body, type)
        : this.page(
            this.files.map(({ text: _text, ...file }) => file),
            url,
          );
    }
    if (resource !== 'fine_tuning/jobs') return undefined;
    if (id === undefined) {
      return kind.startsWith('POST') ? this.createJob(JSON.parse(body.toString()) as Json) : this.page(this.listedJobs(url), url);
    }
    const job = this.jobs.find((each) => each.id === id);
    if (job === undefined) return undefined;
    if (part === 'cancel') {
      job.status = 'cancelled';
      return shown(job);
    }
    if (part === 'events') return this.page(this.eventsOf(job), url);
    if (part === 'checkpoints') return this.page(this.checkpointsOf(job), url);
    this.advance(job);
    return shown(job);
  }

  private async takeFile(body: Buffer, type: string): Promise<Json> {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
    const file = form.get('file') as File;
    const text = await file.text();
    const taken: FakeFile = {
      id: `file-${this.files.length + 1}`,
      object: 'file',
      filename: file.name,
      purpose: form.get('purpose') as string,
      bytes: Buffer.byteLength(text),
      created_at: 1_700_000_000 + this.files.length,
      text,
      status: 'uploaded',
    };
    this.files.push(taken);
    return { ...taken, text: undefined };
  }

  private lookAtFile(id: string): Json | undefined {
    const file = this.files.find((each) => each.id === id);
    if (file === undefined) return undefined;
    file.status = this.options.refuseFiles === undefined ? 'processed' : 'error';
    if (this.options.refuseFiles !== undefined) file.status_details = this.options.refuseFiles;
    return { ...file, text: undefined };
  }

  private createJob(request: Json): Json {
    const job: FakeJob = {
      id: `ftjob-${this.jobs.length + 1}`,
      object: 'fine_tuning.job',
      model: String(request['model']),
      training_file: String(request['training_file']),
      metadata: (request['metadata'] ?? {}) as Record<string, string>,
      created_at: 1_700_000_000 + this.jobs.length,
      seed: Number(request['seed']),
      request,
      status: 'validating_files',
      fine_tuned_model: null,
      trained_tokens: null,
      finished_at: null,
      error: null,
      looks: 0,
    };
    this.jobs.push(job);
    return shown(job);
  }

  private listedJobs(url: URL): Json[] {
    const wanted = [...url.searchParams].flatMap(([name, value]) => {
      const key = /^metadata\[(.+)\]$/.exec(name)?.[1];
      return key === undefined || this.options.ignoresMetadata === true ? [] : [[key, value] as const];
    });
    return this.jobs
      .filter(({ metadata }) => wanted.every(([key, value]) => metadata[key] === value))
      .map(shown)
      .reverse();
  }

  /** One look further: checked, at work, ended. */
  private advance(job: FakeJob): void {
    const { failJobs } = this.options;
    if (job.status === 'cancelled' || job.status === 'succeeded' || job.status === 'failed') return;
    job.looks++;
    if (job.looks <= this.looksUntilDone) {
      job.status = job.looks === 1 ? 'queued' : 'running';
      return;
    }
    job.finished_at = job.created_at + 600;
    if (failJobs !== undefined) {
      job.status = 'failed';
      job.error = { ...failJobs, param: 'training_file' };
      return;
    }
    job.status = 'succeeded';
    job.fine_tuned_model = `ft:${job.model}:org:${String(job.request['suffix'])}:${job.id}`;
    job.trained_tokens = 1_234;
  }

  private get steps(): number {
    return this.options.steps ?? 6;
  }

  /** The newest first, as OpenAI lists them: messages among the metrics of each step. */
  private eventsOf(job: FakeJob): Json[] {
    const reached = job.status === 'succeeded' ? this.steps : job.status === 'running' ? Math.min(this.steps, job.looks) : 0;
    const event = (number: number, rest: Json): Json => ({
      id: `event-${number}`,
      object: 'fine_tuning.job.event',
      created_at: job.created_at + number,
      level: 'info',
      ...rest,
    });
    const events = [event(0, { type: 'message', message: 'Created fine-tuning job', data: {} })];
    for (let step = 1; step <= reached; step++) {
      const loss = 2 - step / 10;
      events.push(
        event(2 * step, {
          type: 'metrics',
          message: `Step ${step}/${this.steps}: training loss=${loss}`,
          data: { step, total_steps: this.steps, train_loss: loss },
        }),
      );
      if (step % 2 === 0) events.push(event(2 * step + 1, { type: 'message', message: `Checkpoint created at step ${step}`, data: {} }));
    }
    return events.reverse();
  }

  private checkpointsOf(job: FakeJob): Json[] {
    if (job.status !== 'succeeded') return [];
    return [this.steps, this.steps / 2].map((step) => ({
      id: `ckpt-${step}`,
      object: 'fine_tuning.job.checkpoint',
      created_at: 0,
      fine_tuning_job_id: job.id,
      step_number: step,
      fine_tuned_model_checkpoint: `${job.fine_tuned_model}:ckpt-step-${step}`,
      metrics: { step, train_loss: 2 - step / 10 },
    }));
  }

  private page(items: readonly Json[], url: URL): Json {
    const limit = Math.min(Number(url.searchParams.get('limit') ?? 20), this.options.mostOfPage ?? 100);
    const after = url.searchParams.get('after');
    const start = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1;
    return { object: 'list', data: items.slice(start, start + limit), has_more: start + limit < items.length };
  }
}

function shown({ request, looks: _looks, ...job }: FakeJob): Json {
  const wanted = (request['method'] as { supervised?: { hyperparameters?: Json } } | undefined)?.supervised?.hyperparameters ?? {};
  const epochs = typeof wanted['n_epochs'] === 'number' ? wanted['n_epochs'] : EPOCHS;
  return {
    ...job,
    organization_id: 'org',
    result_files: [],
    validation_file: null,
    hyperparameters: { n_epochs: epochs, batch_size: 1, learning_rate_multiplier: 1.8 },
    method: { type: 'supervised', supervised: { hyperparameters: wanted } },
  };
}

function sendError(
  response: ServerResponse,
  {
    status,
    code = null,
    message = `scripted ${status}`,
    headers = {},
  }: { status: number; code?: string | null; message?: string; headers?: Readonly<Record<string, string>> },
): void {
  send(response, status, { error: { message, type: 'scripted', code, param: null } }, headers);
}

function send(response: ServerResponse, status: number, body: Json, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
