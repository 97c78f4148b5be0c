/**
 * What every function of the method throws on input that breaks its contract. The message says what was wrong,
 * where, and the way out. Model output never causes one: untrusted text gives a result with a reason instead.
 */
export class MethodError extends Error {
  override readonly name = 'MethodError';
}
