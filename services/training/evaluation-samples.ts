import type { SampleRow } from '../../stages/evaluate-task';
import type { TaskResult } from '../python/python-protocol';

/** The documents of a task as rows. */
export function sampleRows({ task, samples }: Pick<TaskResult, 'task' | 'samples'>): SampleRow[] {
  return samples.map(({ docId, docHash, promptHash, correct, score, rules, rulesKept }) => ({
    task,
    docId: String(docId),
    docHash,
    promptHash,
    correct,
    score,
    ...(typeof rules === 'number' && typeof rulesKept === 'number' ? { rules, rulesKept } : {}),
  }));
}
