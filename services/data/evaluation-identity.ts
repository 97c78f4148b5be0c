import type { EvaluateTask } from '../../config/spec';
import { canonicalJson } from '../../method/canonical-json';
import { fileSha256 } from '../store/file-hash';

/** Identity of one task's documents: `hub`, or the hashes of its local files by split. */
export async function evaluationIdentity({ data }: Pick<EvaluateTask, 'data'>): Promise<string> {
  if (data === undefined) return 'hub';
  const splits = await Promise.all(Object.entries(data).map(async ([split, path]) => [split, await fileSha256(path)] as const));
  return canonicalJson(Object.fromEntries(splits));
}
