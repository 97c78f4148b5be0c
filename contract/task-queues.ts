/** Task queues, by what their workers need. Part of the public contract. */
export const TASK_QUEUES = {
  orchestration: 'rehearse-orchestration',
  llm: 'rehearse-llm',
  cpu: 'rehearse-cpu',
  gpu: 'rehearse-gpu',
} as const;

/** The queue of one worker process, by its identity at the server; not part of the contract. */
export function ownQueue(identity: string): string {
  return `rehearse-worker-${identity}`;
}

export type QueueName = keyof typeof TASK_QUEUES;
/** Queues of activities. */
export type ActivityQueue = Exclude<QueueName, 'orchestration'>;
export const QUEUE_NAMES = Object.keys(TASK_QUEUES) as QueueName[];
