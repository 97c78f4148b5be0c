import { UsageError } from './terminal/errors';

/** Files for the user alone: a store holds a user's data and what models were asked and answered. */
const PRIVATE = 0o077;

/**
 * Which rights new files of this process, and of those that it starts, do not get.
 * @param text `REHEARSE_UMASK`, in octal, such as 027 for a store that a group shares; private without it
 * @throws UsageError for anything else
 */
export function fileMask(text: string | undefined): number {
  if (text === undefined || text === '') return PRIVATE;
  if (/^0?[0-7]{1,3}$/.test(text) && (parseInt(text, 8) & 0o700) === 0) return parseInt(text, 8);
  throw new UsageError(`REHEARSE_UMASK is ${JSON.stringify(text)}`, {
    hint: 'give an octal number that leaves the user its rights, such as 077 or 027',
  });
}
