import { temporal } from '@temporalio/proto';
import { TASK_QUEUES } from '../../contract/task-queues';
import { giveBackLostWork } from '../../workers/lost-work';
import { useTemporal } from '../support/temporal';

const environment = useTemporal();
const NAMESPACE = 'default';
const KILLED = '4711@here';
const ALIVE = '4712@here';

/** Workflows whose one activity, which may be silent for an hour, is in work at a worker of this name. */
async function activityAt(workflowId: string, identity: string): Promise<void> {
  const { workflowService: service } = environment().client;
  await service.startWorkflowExecution({
    namespace: NAMESPACE,
    workflowId,
    requestId: workflowId,
    workflowType: { name: 'synthesizeShard' },
    taskQueue: { name: TASK_QUEUES.orchestration },
  });
  const { taskToken } = await polled(
    async () => await service.pollWorkflowTaskQueue({ namespace: NAMESPACE, taskQueue: { name: TASK_QUEUES.orchestration } }),
  );
  await service.respondWorkflowTaskCompleted({
    namespace: NAMESPACE,
    taskToken,
    commands: [
      {
        commandType: temporal.api.enums.v1.CommandType.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK,
        scheduleActivityTaskCommandAttributes: {
          activityId: '1',
          activityType: { name: 'respondShard' },
          taskQueue: { name: TASK_QUEUES.llm },
          scheduleToCloseTimeout: { seconds: 86_400 as never },
          heartbeatTimeout: { seconds: 3_600 as never },
          retryPolicy: { initialInterval: { seconds: 3_600 as never } },
        },
      },
    ],
  });
  expect(await poll(identity)).toMatchObject({ attempt: 1 });
}

async function poll(identity: string): Promise<temporal.api.workflowservice.v1.IPollActivityTaskQueueResponse> {
  const { workflowService } = environment().client;
  return await polled(
    async () => await workflowService.pollActivityTaskQueue({ namespace: NAMESPACE, taskQueue: { name: TASK_QUEUES.llm }, identity }),
  );
}

/** The server takes long polls only with a deadline. */
async function polled<T>(work: () => Promise<T>): Promise<T> {
  return await environment().connection.withDeadline(Date.now() + 60_000, work);
}

test('what a killed worker had in work is scheduled again at once; what others have is left to them', async () => {
  await activityAt('of-the-living', ALIVE);
  await activityAt('of-the-dead', KILLED);
  const { client } = environment();
  // The list of open workflows follows the server's truth with a delay.
  let given = 0;
  while (given === 0) given = await giveBackLostWork(client, new Set([KILLED]));
  expect(given).toBe(1);

  const again = await poll('4713@here');
  expect(again).toMatchObject({ workflowExecution: { workflowId: 'of-the-dead' }, attempt: 2 });
  expect(await giveBackLostWork(client, new Set([KILLED]))).toBe(0);

  const { raw } = await client.workflow.getHandle('of-the-living').describe();
  expect(raw.pendingActivities).toMatchObject([{ attempt: 1, lastWorkerIdentity: ALIVE }]);
  await Promise.all(['of-the-dead', 'of-the-living'].map(async (id) => await client.workflow.getHandle(id).terminate()));
});
