/** The result of one check, and the way out where it did not pass. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly fix?: string;
}
