import { existsSync } from 'node:fs';
import type { ServedModel } from './model-server';

/**
 * The interpreter of each engine that serves models. vLLM pins a torch of its own, which seldom is the one that training wants:
 * `REHEARSE_VLLM_PYTHON` names an interpreter that has it.
 * @param training what has all that training needs, and serves everything else
 * @throws Error for an interpreter that is not there
 */
export function servingPython(
  { REHEARSE_VLLM_PYTHON: own }: Readonly<Record<string, string | undefined>>,
  training: () => ReturnType<ServedModel['environment']>,
): ServedModel['environment'] {
  if (!own) return training;
  if (!existsSync(own)) {
    throw new Error(
      `REHEARSE_VLLM_PYTHON is ${JSON.stringify(own)}, which is not there; name a Python interpreter that has vLLM installed`,
    );
  }
  return async (engine) => ({ ...(await training()), ...(engine === 'vllm' ? { python: own } : {}) });
}
