import { formatCounted } from '../../contract/figures';
import { SEARCH_ATTRIBUTES } from '../../contract/search-attributes';
import { QUEUE_NAMES, TASK_QUEUES, type QueueName } from '../../contract/task-queues';
import { configuredAddress, connect, type Connected } from '../server/connect';
import { queuePollers } from '../server/queue-pollers';
import { CliError } from '../terminal/errors';
import { checkTemporalBinary } from './check-machine';
import { checkWorkers } from './check-workers';
import { type Finding } from './finding';

const TIMEOUT_MS = 40_000;
const CHECK = 'server';

/** The Temporal server, its namespace and search attributes, and the workers that poll our task queues. */
export async function checkServer(): Promise<Finding[]> {
  let connected: Connected;
  try {
    connected = await connect();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    // A configured server must answer; without one, it may simply not be started yet.
    const named = configuredAddress() !== undefined;
    return [
      { check: CHECK, state: named ? 'fail' : 'warn', message: error.message, fix: error.hint },
      ...(named ? [] : [await checkTemporalBinary()]),
    ];
  }
  const { client, connection, namespace, address } = connected;
  try {
    return await connection.withDeadline(Date.now() + TIMEOUT_MS, async () => {
      try {
        await connection.workflowService.describeNamespace({ namespace });
      } catch (error) {
        return [
          {
            check: CHECK,
            state: 'fail',
            message: `${address} has no namespace ${namespace} for us (${detailsOf(error)})`,
            fix: `set TEMPORAL_NAMESPACE, or create it: temporal operator namespace create --namespace ${namespace}`,
          },
        ];
      }
      const polled = await Promise.all(QUEUE_NAMES.map(async (queue) => ({ queue, pollers: await queuePollers(client, queue) })));
      // Workers are asked by a workflow.
      const hasOrchestration = polled.some(({ queue, pollers }) => queue === 'orchestration' && pollers.length > 0);
      return [
        { check: CHECK, state: 'ok', message: `${address}, namespace ${namespace}` },
        await checkSearchAttributes(connected),
        ...polled.map(({ queue, pollers }) => queueFinding(queue, pollers)),
        ...(hasOrchestration ? await checkWorkers(client, [...new Set(polled.flatMap(({ pollers }) => pollers))].sort()) : []),
      ];
    });
  } finally {
    await connection.close();
  }
}

async function checkSearchAttributes({ connection, namespace }: Connected): Promise<Finding> {
  const check = 'search attributes';
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = SEARCH_ATTRIBUTES.filter(({ name }) => customAttributes?.[name] === undefined).map(({ name }) => name);
    if (missing.length === 0) return { check, state: 'ok', message: SEARCH_ATTRIBUTES.map(({ name }) => name).join(', ') };
    return { check, state: 'warn', message: `${missing.join(', ')} not registered`, fix: 'the first worker registers them, where it may' };
  } catch (error) {
    return {
      check,
      state: 'warn',
      message: `the server does not list its search attributes (${detailsOf(error)})`,
      fix: 'a worker says at its start whether they are missing',
    };
  }
}

function queueFinding(queue: QueueName, pollers: readonly string[]): Finding {
  const check = TASK_QUEUES[queue];
  if (pollers.length > 0) {
    return {
      check,
      state: 'ok',
      message: `${formatCounted(pollers.length, 'worker')}: ${pollers.slice(0, 3).join(', ')}${pollers.length > 3 ? ', …' : ''}`,
    };
  }
  return { check, state: 'warn', message: 'no worker polls it', fix: `start one: npx rehearse worker --queue ${queue}` };
}

/** A gRPC error's own words, without its code. */
function detailsOf(error: unknown): string {
  const { details, message } = error as { details?: string; message?: string };
  return details ?? message ?? String(error);
}
