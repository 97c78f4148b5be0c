import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RenderJobSpec } from '../python/job-specs';
import type { PythonJob, PythonJobs } from '../python/python-jobs';
import type { RenderResult } from '../python/python-protocol';

export interface Rendering {
  /** Directory or hub id, of which the tokenizer and chat template are used. */
  readonly weights: string;
  readonly revision: string | undefined;
  /** JSONL of conversations; see services/data/conversations.ts. */
  readonly conversations: string;
  /** What errors call them. */
  readonly named: string;
  readonly thoughts: 'drop' | 'keep' | undefined;
  /** What the chat template is told is today. */
  readonly date?: string;
  /** What the model is evaluated by, refused where that would score its thoughts. */
  readonly evaluation?: Pick<RenderJobSpec, 'tasks' | 'thinking'>;
}

/**
 * Renders conversations as the trainer will, with the model's own chat template; some seconds.
 * @throws PythonJobError `bad_data` that names the lines that cannot be rendered, and why
 */
export async function renderConversations(
  python: PythonJobs,
  { revision, thoughts, evaluation, ...asked }: Rendering,
  { stop, onEvent }: Pick<PythonJob<'render'>, 'stop' | 'onEvent'>,
): Promise<RenderResult> {
  const outputDir = await mkdtemp(join(tmpdir(), 'rehearse-render-'));
  try {
    const spec = { ...asked, outputDir, revision: revision ?? null, ...(thoughts === undefined ? {} : { thoughts }), ...evaluation };
    return await python.run({ command: 'render', spec, stop, onEvent });
  } finally {
    await rm(outputDir, { recursive: true, force: true });
  }
}
