/** What a process tells the others about its use of an endpoint. */
export interface ShareReport {
  /** Most requests in flight of all processes together, as configured. */
  readonly concurrency: number;
  /** As many as the endpoint can use, as latency tells; the leader's word counts. */
  readonly ceiling: number;
  readonly inFlight: number;
  /** Requests in flight and waiting. */
  readonly demand: number;
  /** How long the endpoint has asked to be left alone. */
  readonly closedForMs: number;
  /** How often it has said "too much" and this process has cut its requests for it, ever. */
  readonly cuts: number;
}

/** What a process is told. */
export interface ShareGrant {
  /** The limit of all together; other processes may have set it. Undefined while ours is news to them. */
  readonly concurrency: number | undefined;
  readonly isLeader: boolean;
  readonly ceiling: number;
  readonly closedForMs: number;
  readonly wasCutByOthers: boolean;
  /** A cut of one's own within this time was for the same burst. */
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
  /** One process watches the latency for all. */
  readonly isLeader: boolean;
  /** How long it takes until all processes know of a new ceiling. */
  readonly settleMs: number;
  /** So many requests would be in flight if they might. */
  want(demand: number): void;
  /** Something has changed that the others should know soon. */
  ask(): void;
  /** Gives the part back. */
  leave(): Promise<void>;
}

export type JoinShare = (member: ShareMember) => SharedSlots;
