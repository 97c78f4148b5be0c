/** Something that this machine needs is not there, or cannot be got; it may be after somebody has looked, or when the network is back. */
export class SetUpError extends Error {
  override readonly name = 'SetUpError';
}
