import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { projectDir } from '../services/local/paths';
import { commandNamed, COMMANDS } from './command-table';
import { fileMask } from './file-mask';
import { registerForHelp } from './outline';
import { CliError, EXIT } from './terminal/errors';
import { setLoudness } from './terminal/loudness';

const VERSION = (require(join(projectDir(), 'package.json')) as { version: string }).version;

/** Runs the command line; returns the exit code. Errors go to stderr, as one sentence with the way out. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('rehearse')
    .description('Fine-tune a model whose SFT data is closed without making it forget, as durable Temporal workflows.')
    .version(VERSION)
    .showHelpAfterError('(add --help for the options)');
  const name = commandNamed(argv);
  if (name === undefined) registerForHelp(program, __dirname);
  else COMMANDS[name]!()(program);
  // Before the command and after it.
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .addOption(new Option('-v, --verbose', 'say where an error came from; workers log more'))
      .addOption(new Option('-q, --quiet', 'no notes and no progress on stderr, errors only'))
      .hook('preAction', () => setLoudness(command.opts()));
  }
  try {
    process.umask(fileMask(process.env['REHEARSE_UMASK']));
    await program.parseAsync(argv, { from: 'user' });
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage; // commander has said it
  const { plainText } = require('./terminal/output') as typeof import('./terminal/output');
  if (error instanceof CliError) {
    process.stderr.write(`rehearse: ${plainText(error.message)}${error.hint === undefined ? '' : `; ${plainText(error.hint)}`}\n`);
    if (process.env['REHEARSE_LOG'] === 'debug') process.stderr.write(trace(error));
    return error.exitCode;
  }
  const { exitCodeOf } = require('./terminal/sentences') as typeof import('./terminal/sentences');
  const known = exitCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`rehearse: ${plainText(message)}\n`);
  if (known !== undefined) return known;
  if (process.env['REHEARSE_LOG'] === 'debug' && error instanceof Error) process.stderr.write(trace(error));
  else process.stderr.write('(-v shows where this came from)\n');
  return EXIT.failed;
}

/** Where an error came from, and what it came of. */
function trace(error: Error): string {
  const stacks: string[] = [];
  for (let each: unknown = error; each instanceof Error; each = each.cause) stacks.push(each.stack ?? `${each.name}: ${each.message}`);
  return `${stacks.join('\ncaused by ')}\n`;
}
