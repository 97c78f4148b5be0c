import { PassThrough } from 'node:stream';
import { consoleReporter, type SetupReporter } from '../../services/local/setup-reporter';

/** Set for this process and those that it starts; also a setting of its own for who wants every command so. */
const QUIET = 'REHEARSE_QUIET';

/** Applies `--verbose` and `--quiet`. */
export function setLoudness({ verbose, quiet }: { readonly verbose?: boolean; readonly quiet?: boolean }): void {
  if (verbose === true) process.env['REHEARSE_LOG'] = 'debug';
  if (quiet === true) process.env[QUIET] = '1';
}

/** Whether notes and progress are not wanted. */
export function isQuiet(): boolean {
  const { [QUIET]: value } = process.env;
  return value !== undefined && value !== '' && value !== '0';
}

/** Something that people may want to know, on stderr: it is no result and no error. */
export function note(text: string): void {
  if (!isQuiet()) process.stderr.write(`rehearse: note: ${text}\n`);
}

/** Where progress goes. */
export function progressStream(): NodeJS.WritableStream {
  return isQuiet() ? new PassThrough().resume() : process.stderr;
}

/** Says what set-up does; how it fails, its error says. */
export function setUpReporter(): SetupReporter {
  const silent = { update: () => undefined, done: () => undefined, fail: () => undefined };
  return isQuiet() ? { step: () => silent } : consoleReporter();
}
