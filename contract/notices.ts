/** What of a run people are told. */
export const NOTICE_EVENTS = ['finished', 'failed', 'cancelled', 'paused', 'budget', 'resumed'] as const;

export type NoticeEvent = (typeof NOTICE_EVENTS)[number];

/** One thing to tell about a run. */
export interface Notice {
  readonly runId: string;
  readonly event: NoticeEvent;
  /** One sentence; it may hold words of an endpoint, so it is data and never part of a command. */
  readonly message: string;
  /** When it happened, ISO 8601. */
  readonly at: string;
}
