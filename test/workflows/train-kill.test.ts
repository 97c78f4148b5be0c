import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startRun } from '../../cli/runs/start-run';
import { useTempFolder } from '../support/temp-folder';
import { eventually, jobIn, listed, resultIn, STEPS, trainersOf, TrainingStack } from '../support/training-stack';

const work = useTempFolder();

test('kill -9 of the trainer, of the GPU worker and of the server in mid-training: the losses are those of a training that nothing happened to', async () => {
  const stack = await TrainingStack.create({ folder: work() });
  const home = join(work(), 'home');
  const others = stack.worker('others', home, 'orchestration', 'llm', 'cpu');
  const gpu = stack.worker('gpu', home, 'gpu');
  try {
    await stack.startServer();
    others.start();
    gpu.start();
    const client = await stack.client();
    await startRun(client, 'killed', stack.spec());

    const job = await saved(home, 3);
    const [trainer] = trainersOf(home);
    process.kill(trainer!, 'SIGKILL');

    await saved(home, 6);
    await gpu.kill();
    gpu.start();

    await saved(home, 9);
    await stack.temporal.kill();
    await stack.startServer();

    const result = await eventually('the training', () => resultIn(job));
    await client.workflow.getHandle('killed').terminate('what this is about has been seen');

    const undisturbed = await stack.undisturbed(job);
    expect(result.lossCurve).toHaveLength(STEPS);
    expect(result.lossCurve).toEqual(undisturbed.lossCurve); // to the last digit: the same process, seeds and data order
    expect(result.weightsSha256).toBe(undisturbed.weightsSha256);
    expect(result.lossCurve.at(-1)!.loss).toBeLessThan(result.lossCurve[0]!.loss);
  } finally {
    await stack.close();
  }
}, 1_800_000);

/** Waits for the checkpoint of a step, or a later one, and returns the folder of the job. */
async function saved(home: string, step: number): Promise<string> {
  return await eventually(`checkpoint ${step}`, () => {
    const job = jobIn(join(home, 'store'));
    if (job === undefined) return undefined;
    const steps = listed(join(job, 'checkpoints')).filter((name) => existsSync(join(job, 'checkpoints', name, 'rehearse-complete.json')));
    return steps.some((name) => Number(name.replace('checkpoint-', '')) >= step) ? job : undefined;
  });
}
