/** Task queues, by what their workers need. Part of the public contract. */
export const TASK_QUEUES = {
  orchestration: 'rehearse-orchestration',
  llm: 'rehearse-llm',
  cpu: 'rehearse-cpu',
  gpu: 'rehearse-gpu',
} as const;

export type QueueName = keyof typeof TASK_QUEUES;
export const QUEUE_NAMES = Object.keys(TASK_QUEUES) as QueueName[];
