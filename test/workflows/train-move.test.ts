import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { startRun } from '../../cli/runs/start-run';
import type { HeartbeatDetails } from '../../contract/progress';
import { useTempFolder } from '../support/temp-folder';
import { quietReporter } from '../support/temporal';
import { eventually, jobIn, listed, resultIn, STEPS, trainersOf, TrainingStack } from '../support/training-stack';
import { S3Server } from '../support/versitygw';

const work = useTempFolder();
const STARTED = temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_STARTED;

test('a training whose machine is lost goes on elsewhere from its checkpoint in the bucket, with the losses of one that nothing happened to', async () => {
  const bucket = await S3Server.start(quietReporter);
  const stack = await TrainingStack.create({ folder: work(), env: { ...bucket.env, REHEARSE_STORE: `s3://${bucket.bucket}/moved` } });
  Object.assign(process.env, bucket.env);
  const [here, there] = [join(work(), 'here'), join(work(), 'there')];
  const others = stack.worker('others', join(work(), 'others'), 'orchestration', 'llm', 'cpu');
  const first = stack.worker('first', here, 'gpu');
  const second = stack.worker('second', there, 'gpu');
  try {
    await stack.startServer();
    others.start();
    first.start();
    const client = await stack.client();
    await startRun(client, 'moved', stack.spec());

    const step = await eventually('a checkpoint in the bucket', () => newestStored(bucket));
    await first.kill();
    for (const trainer of trainersOf(here)) process.kill(trainer, 'SIGKILL');
    await eventually('the end of its trainer', () => trainersOf(here).length === 0);
    const stored = newestStored(bucket) ?? 0; // a later one may have been finished meanwhile
    expect(stored).toBeGreaterThanOrEqual(step);
    expect(stored).toBeLessThan(STEPS);
    rmSync(here, { recursive: true });

    second.start();
    const steps: number[] = [];
    const result = await eventually('the training on the other machine', async () => {
      steps.push(...(await stepOfTraining(client)));
      const job = jobIn(join(there, 'work'));
      return job === undefined ? undefined : resultIn(job);
    });
    expect(steps.length).toBeGreaterThan(0);
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(stored); // nothing before the checkpoint was done again
    await eventually('the end of what is kept of a training that is done', () => newestStored(bucket) === undefined);
    await client.workflow.getHandle('moved').terminate('what this is about has been seen');

    const undisturbed = await stack.undisturbed(jobIn(join(there, 'work'))!);
    expect(result.lossCurve).toHaveLength(STEPS);
    expect(result.lossCurve).toEqual(undisturbed.lossCurve); // to the last digit: the same process, seeds and data order
    expect(result.weightsSha256).toBe(undisturbed.weightsSha256);
  } finally {
    await stack.close();
    await bucket.close();
  }
}, 1_800_000);

/** Step of the newest whole checkpoint in the bucket. */
function newestStored(bucket: S3Server): number | undefined {
  const job = jobIn(bucket.fileOf('moved'));
  const manifests = job === undefined ? [] : listed(join(dirname(job), 'checkpoints')).filter((name) => name.endsWith('.json'));
  return manifests.length === 0 ? undefined : Math.max(...manifests.map((name) => Number(name.split('-')[1])));
}

/** Step that the second attempt at the training has told of, if it trains. */
async function stepOfTraining(client: Client): Promise<number[]> {
  const { raw } = await client.workflow.getHandle('moved/variant-method').describe();
  return (raw.pendingActivities ?? []).flatMap(({ activityType, attempt, state, heartbeatDetails, lastHeartbeatTime, lastStartedTime }) => {
    const data = heartbeatDetails?.payloads?.[0]?.data ?? new Uint8Array();
    const ofThisAttempt = Number(lastHeartbeatTime?.seconds ?? 0) > Number(lastStartedTime?.seconds ?? 0); // the last one's stay until then
    if (state !== STARTED) return []; // the next attempt is counted already, and all else is still the last one's
    if (activityType?.name !== 'trainVariant' || (attempt ?? 1) < 2 || !ofThisAttempt || data.length === 0) return [];
    const { note, done } = JSON.parse(Buffer.from(data).toString('utf8')) as HeartbeatDetails;
    return note?.startsWith('train') === true ? [done] : [];
  });
}
