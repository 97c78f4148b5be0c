/** A process's report about its use of an endpoint. */
export interface ShareReport {
  /** Most requests in flight of all processes together, as configured. */
  readonly concurrency: number;
  /** As many as the endpoint can use, judged by latency; the leader's value counts. */
  readonly ceiling: number;
  readonly inFlight: number;
  /** Requests in flight and waiting. */
  readonly demand: number;
  /** How long the endpoint has asked to wait. */
  readonly closedForMs: number;
  /** How often in all this process has cut its requests because the endpoint refused for load. */
  readonly cuts: number;
}

/** What a process is granted in reply. */
export interface ShareGrant {
  /** The limit of all together; other processes may have set it. Undefined while the others do not know ours yet. */
  readonly concurrency: number | undefined;
  readonly isLeader: boolean;
  readonly ceiling: number;
  readonly closedForMs: number;
  readonly wasCutByOthers: boolean;
  /** A cut by this process within this time was for the same burst. */
  readonly burstMs: number;
}

export interface ShareMember {
  report(): ShareReport;
  apply(grant: ShareGrant): void;
}

/** A process's part of the requests in flight at an endpoint. */
export interface SharedSlots {
  /** This process's part at this moment. */
  readonly slots: number;
  /** One process, the leader, adapts to latency for all. */
  readonly isLeader: boolean;
  /** How long it takes until all processes know of a new ceiling. */
  readonly settleMs: number;
  /** Reports how many requests this process would have in flight without a limit. */
  want(demand: number): void;
  /** Asks for a report soon: something has changed that the others should know. */
  ask(): void;
  /** Gives the part back. */
  leave(): Promise<void>;
}

export type JoinShare = (member: ShareMember) => SharedSlots;
