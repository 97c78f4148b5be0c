import { totalmem } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { weightsOf } from '../../config/fine-tuning';
import { modelOf } from '../../config/models-in-use';
import { templateVariables } from '../../config/thinking';
import type { OpenStore } from '../../services/runs/open-store';
import { createWeightsResolver } from '../../services/training/weights';
import type { RunPlan } from '../../stages/run-plan';
import { builtinWeights, localPython } from '../local-weights';
import { printJson } from '../terminal/output';
import { ChatProcess, type ModelAnswer } from './chat-process';
import { sideBySide } from './side-by-side';
import { checkpointFolder, type TrainedModel } from './trained-model';

export interface ChatOptions {
  readonly opened: OpenStore;
  readonly plan: RunPlan;
  readonly model: TrainedModel;
  /** Asked once; without it, what is typed is asked until the input ends. */
  readonly prompt: string | undefined;
  readonly maxTokens: number;
  readonly json: boolean;
}

/** Columns where the output is no terminal. */
const WIDTH = 120;
/** Part of the memory that both models may take together. */
const MEMORY_SHARE = 0.5;

/** Puts the same prompts to the official and the trained model, and shows what they answer side by side. */
export async function chat({ opened, plan, model, prompt, maxTokens, json }: ChatOptions): Promise<void> {
  const trained = await checkpointFolder(opened, plan, model);
  const { target } = plan.spec;
  const official = await createWeightsResolver(builtinWeights).resolve(weightsOf(plan.spec), target.revision);
  const bytes = model.files.reduce((sum, file) => sum + file.bytes, 0);
  const process_ = new ChatProcess(
    await localPython(),
    [
      { name: 'before (official)', weights: official.path, revision: target.revision ?? null },
      { name: `after (${model.variant.name})`, weights: trained, revision: null },
    ],
    { keep: 2 * bytes < MEMORY_SHARE * totalmem(), variables: templateVariables(modelOf(plan.spec, target.model)) },
  );
  const ask = async (text: string): Promise<void> => {
    const answers: ModelAnswer[] = [];
    for await (const answer of process_.ask(text, maxTokens)) answers.push(answer);
    if (json) printJson({ prompt: text, answers });
    else process.stdout.write(`${sideBySide(answers, process.stdout.columns ?? WIDTH)}\n`);
  };
  try {
    if (prompt !== undefined) {
      await ask(prompt);
      return;
    }
    const isTerminal = process.stdin.isTTY;
    const typed = createInterface({ input: process.stdin, ...(isTerminal ? { output: process.stderr, prompt: '> ' } : {}) });
    if (isTerminal) process.stderr.write('Each prompt is a conversation of its own. An empty line or Ctrl-D ends.\n');
    typed.prompt();
    for await (const line of typed) {
      if (line.trim() === '') {
        if (isTerminal) break;
        continue;
      }
      await ask(line);
      if (isTerminal) typed.prompt();
    }
    typed.close();
  } finally {
    await process_.close();
  }
}
