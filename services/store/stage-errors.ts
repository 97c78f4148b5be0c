import type { FailureType } from '../../contract/failures';
import type { StageAddress } from '../../stages/address';

export interface Damage extends ErrorOptions {
  readonly address: StageAddress;
  /** Name of the manifest's file. */
  readonly manifest: string;
  /** The manifest's own checksum; undefined when the manifest itself is damaged. */
  readonly checksum?: string;
  /** Path in the store of the file that is not what was written. */
  readonly file: string;
}

/** A stored file is not what was written, or is gone. The output is to be set aside and made again. */
export class CorruptArtifactError extends Error {
  override readonly name = 'CorruptArtifactError';
  readonly damage: Omit<Damage, 'cause'>;

  constructor(message: string, { cause, ...damage }: Damage) {
    super(message, cause === undefined ? {} : { cause });
    this.damage = damage;
  }
}

/**
 * What an activity is made from is missing, was set aside as damaged, or has changed: the stages before are to be run again,
 * which costs only what is not stored. Workflows answer failures of this name (workflows/lost-inputs.ts).
 */
export class InputLostError extends Error {
  override readonly name = 'InputLostError' satisfies FailureType;
}
