import type { SetupReporter } from './setup-reporter';

/** Thrown by a set-up that would have to begin. */
export class NotSetUpError extends Error {
  override readonly name = 'NotSetUpError';
}

/** Looks whether a set-up was made, without making it. */
export const onlyLook: SetupReporter = {
  step(name) {
    throw new NotSetUpError(`${name} is not set up yet`);
  },
};
