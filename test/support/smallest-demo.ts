import type { RunSpec } from '../../config/spec';
import { loadSpecFile } from '../../services/runs/spec-files';

/** The demo's spec at its smallest. */
export async function smallestDemo(baseURL: string): Promise<RunSpec> {
  const demo = await loadSpecFile('demo');
  const models = Object.fromEntries(Object.entries(demo.models).map(([name, model]) => [name, { ...model, baseURL }]));
  const { extract, respond, judge } = demo.synthesis;
  return {
    ...demo,
    models,
    synthesis: {
      ...demo.synthesis,
      extract: { ...extract, instructions: 5, maxAttempts: 8, acceptTruncated: true, sampling: { ...extract.sampling, maxTokens: 32 } },
      respond: {
        ...respond,
        generators: ['smollm2-precise', 'smollm2-balanced'],
        samples: 1,
        perModel: {},
        sampling: { ...respond.sampling, maxTokens: 16 },
      },
      judge: {
        ...judge,
        judges: ['smollm2-precise', 'smollm2-creative'],
        perModel: {},
        sampling: { ...judge.sampling, temperature: 1, maxTokens: 4 },
      },
      shardSize: 5,
    },
    train: { ...demo.train, maxSteps: 2, perDeviceBatchSize: 1, maxLength: 128, saveSteps: 100 },
    evaluate: {
      ...demo.evaluate,
      tasks: demo.evaluate.tasks.map((task) => ({
        ...task,
        limit: 1,
        ...(task.maxGenToks === undefined ? {} : { maxGenToks: 8 }),
        ...(task.task === 'mmlu_pro' ? { numFewshot: 0 } : {}), // ten prompts of some 1,500 tokens otherwise
      })),
    },
  };
}
