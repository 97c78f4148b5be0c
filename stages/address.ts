/** Address of one stage output: what determined it (`key`), and which part of the run's items it covers. */
export interface StageAddress {
  readonly stage: string;
  /** Hash of everything that determines the output; see stage.ts. */
  readonly key: string;
  /** Range of items, such as `i0000000-i0000499`, or `all`. */
  readonly part: string;
}
