import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resultSchemaOf } from '../../services/python/python-commands';
import type { PythonJobs } from '../../services/python/python-jobs';
import { PYTHON_PROTOCOL } from '../../stages/python-results';
import { sha256 } from '../../stages/sha256';

/** A job that was asked for. */
export interface RecordedJob {
  readonly command: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Training and evaluation without a model, for tests of what is around them: same results, same files. */
export function fakePythonJobs(jobs: RecordedJob[] = [], fails: (job: RecordedJob) => Error | undefined = () => undefined): PythonJobs {
  return {
    async run({ command, stop, onEvent, ...job }) {
      const spec = job.spec as RecordedJob['spec'] & { readonly outputDir: string };
      const resultSchema = resultSchemaOf(command);
      stop.throwIfAborted();
      if (command === 'render') {
        // Before every run, and of no interest to what is around trainings and evaluations.
        const counts = { conversations: 4, answers: 4, untrained: 0, tokens: 100, controlTexts: 0 };
        return resultSchema.parse({ protocol: PYTHON_PROTOCOL, kind: command, ...counts });
      }
      jobs.push({ command, spec });
      const failure = fails({ command, spec });
      if (failure !== undefined) throw failure;
      const base = { protocol: PYTHON_PROTOCOL, kind: command, seconds: 1, versions: { torch: 'none' }, weightsSha256: 'f'.repeat(64) };
      onEvent({ v: PYTHON_PROTOCOL, at: new Date().toISOString(), type: 'progress', phase: command, done: 1, total: 1 });
      if (command === 'datasets') {
        mkdirSync(spec.outputDir, { recursive: true });
        const conversations = join(spec.outputDir, 'conversations.jsonl');
        const raw = (spec['schema'] as { readonly kind: string }).kind === 'raw';
        const rows = Array.from({ length: raw ? 4 : Number(spec['count']) }, (_, n) => ({
          id: `d${n}`,
          messages: [
            { role: 'user', content: `Public question ${n}?` },
            { role: 'assistant', content: `Public answer ${n}.` },
          ],
        }));
        writeFileSync(conversations, rows.map((row, index) => `${JSON.stringify(raw ? { part: 'train', index, row } : row)}\n`).join(''));
        return resultSchema.parse({
          ...base,
          conversations,
          rows: rows.length,
          read: rows.length + 1,
          malformed: { 'no answer': 1 },
          trailingUserTurnsCut: 0,
          revision: 'c0ffee',
          licence: 'MIT',
        });
      }
      if (command === 'sft') {
        const checkpointDir = join(spec.outputDir, 'checkpoint');
        mkdirSync(join(checkpointDir, 'tokenizer'), { recursive: true });
        writeFileSync(join(checkpointDir, 'config.json'), '{}');
        writeFileSync(join(checkpointDir, 'model.safetensors'), 'weights');
        writeFileSync(join(checkpointDir, 'tokenizer', 'tokenizer.json'), '{}');
        return resultSchema.parse({
          ...base,
          checkpointDir,
          steps: 2,
          examples: 5,
          tokens: 500,
          trainedTokens: 300,
          truncated: 0,
          lossCurve: [
            { step: 1, loss: 2.5, learningRate: 1e-6, gradNorm: 1 },
            { step: 2, loss: 2.4, learningRate: 1e-6, gradNorm: 1 },
          ],
        });
      }
      if (command === 'interpolate') {
        const checkpointDir = join(spec.outputDir, 'checkpoint');
        mkdirSync(checkpointDir, { recursive: true });
        writeFileSync(join(checkpointDir, 'config.json'), '{}');
        writeFileSync(join(checkpointDir, 'model.safetensors'), `weights, ${String(spec['weight'])} of them`);
        return resultSchema.parse({ ...base, checkpointDir, weight: spec['weight'] });
      }
      if (command === 'trackers') return resultSchema.parse({ ...base, trackers: spec['trackers'] });
      if (command === 'tasks') return resultSchema.parse({ ...base, tasks: spec['tasks'] });
      if (command === 'weights') {
        return resultSchema.parse({ ...base, path: spec['weights'], sha256: sha256(String(spec['weights'])), revision: null });
      }
      const tasks = (spec['tasks'] as { task: string }[]).map(({ task }) => ({
        task,
        metrics: { acc: 0.5 },
        stderr: { acc: null },
        primary: { name: 'acc', value: 0.5, stderr: null },
        normalized: 44.4,
        documents: 2,
        samples: ['a', 'b'].map((docId) => ({
          docId,
          docHash: `${task}-${docId}`,
          promptHash: 'p',
          correct: docId === 'a',
          score: docId === 'a' ? 1 : 0,
        })),
      }));
      mkdirSync(join(spec.outputDir, 'tasks'), { recursive: true });
      for (const task of tasks) writeFileSync(join(spec.outputDir, 'tasks', `${task.task}.json`), JSON.stringify(task));
      const losses = ((spec['losses'] ?? []) as { name: string; conversations: string }[]).map((asked) =>
        takeLoss(asked, spec.outputDir, String(spec['weights'])),
      );
      return resultSchema.parse({
        ...base,
        average: 44.4,
        tasks: tasks.map(({ samples: _samples, ...task }) => task),
        ...(losses.length === 0 ? {} : { losses }),
      });
    },
  };
}

/** A loss of 2 nats for the official weights, and of 2.5 for any checkpoint. */
function takeLoss(
  { name, conversations }: { readonly name: string; readonly conversations: string },
  outputDir: string,
  weights: string,
): Record<string, unknown> {
  const loss = weights.includes('checkpoint') ? 2.5 : 2;
  const rows = readFileSync(conversations, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string });
  const perConversation = join(outputDir, 'losses', `${name}.jsonl`);
  mkdirSync(join(outputDir, 'losses'), { recursive: true });
  writeFileSync(perConversation, rows.map(({ id }) => `${JSON.stringify({ id, loss, tokens: 10 })}\n`).join(''));
  return { name, loss, tokens: 10 * rows.length, conversations: rows.length, truncated: 0, dropped: 0, perConversation };
}
