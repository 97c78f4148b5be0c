import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { projectDir } from '../../services/local/paths';
import type { PythonEnvironment } from '../../services/local/python-environment';
import { CliError } from '../terminal/errors';

/** Where a model lies. */
export interface ModelPlace {
  readonly name: string;
  /** A directory or hub id. */
  readonly weights: string;
  readonly revision: string | null;
}

/** What a model answered. */
export interface ModelAnswer {
  readonly model: string;
  readonly text: string;
  /** The limit of tokens cut it. */
  readonly cut: boolean;
}

const lineSchema = z.union([z.object({ done: z.literal(true) }), z.object({ model: z.string(), text: z.string(), cut: z.boolean() })]);

/** Lines of the program's own that are told when it fails. */
const TAIL_LINES = 5;

/** Models of this machine that answer the same prompts, in a Python process; see python/chat_models.py. */
export class ChatProcess {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterableIterator<string>;
  private readonly tail: string[] = [];

  constructor(
    python: PythonEnvironment,
    models: readonly ModelPlace[],
    { keep, variables }: { readonly keep: boolean; readonly variables: Readonly<Record<string, unknown>> },
  ) {
    const places = Object.fromEntries(models.map(({ name, weights, revision }) => [name, [weights, revision]]));
    this.child = spawn(
      python.python,
      [
        join(projectDir(), 'python', 'chat_models.py'),
        '--models',
        JSON.stringify(places),
        '--variables',
        JSON.stringify(variables),
        ...(keep ? ['--keep'] : []),
      ],
      { env: python.env as NodeJS.ProcessEnv },
    );
    this.child.on('error', (error) => this.note(error.message));
    this.child.stdin.on('error', () => undefined); // it has ended: the missing answer says so
    createInterface({ input: this.child.stderr }).on('line', (line) => this.note(line));
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** The answers to a prompt, one model after the other. @throws CliError when the process ends before */
  async *ask(prompt: string, maxTokens: number): AsyncGenerator<ModelAnswer> {
    this.child.stdin.write(`${JSON.stringify({ prompt, maxTokens })}\n`);
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done === true) {
        throw new CliError(`the models did not answer: ${this.tail.join(' ').trim() || 'their program ended without a word'}`, {
          hint: 'a model that does not fit this machine ends so; answer fewer tokens, or use another machine',
        });
      }
      const line = lineSchema.parse(JSON.parse(value));
      if ('done' in line) return;
      yield line;
    }
  }

  /** Ends the process. */
  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    this.child.stdin.end();
    this.child.kill();
    await ended;
  }

  private note(line: string): void {
    this.tail.push(line);
    if (this.tail.length > TAIL_LINES) this.tail.shift();
  }
}
