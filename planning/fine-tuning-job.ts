import type { FineTuning } from '../config/fine-tuning';

/**
 * Epochs of a job. For `auto` the number that OpenAI's own cookbook expects: 3, more where there are few examples, fewer
 * where there are many. https://cookbook.openai.com/examples/chat_finetuning_data_prep
 */
export function expectedEpochs(epochs: FineTuning['epochs'], examples: number): number {
  if (epochs !== 'auto') return epochs;
  if (examples * 3 < 100) return Math.min(25, Math.max(1, Math.floor(100 / Math.max(1, examples))));
  return examples * 3 > 25_000 ? Math.max(1, Math.floor(25_000 / examples)) : 3;
}

/** Examples of a step. For `auto`, 0.2 % of them, as OpenAI's reference once said. */
export function expectedBatch(batchSize: FineTuning['batchSize'], examples: number): number {
  return batchSize === 'auto' ? Math.min(256, Math.max(1, Math.round(0.002 * examples))) : batchSize;
}
