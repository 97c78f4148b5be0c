import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { SpecError } from '../config/spec-errors';
import { PushError } from '../export/push-dataset';
import { MethodError } from '../method/method-error';
import { projectDir } from '../services/local/paths';
import { CorruptArtifactError } from '../services/store/stage-errors';
import { StorageUnavailableError } from '../services/store/storage-errors';
import { StorePlaceError } from '../services/store/store-place';
import { registerCancel } from './commands/cancel';
import { registerDemo } from './commands/demo';
import { registerDev } from './commands/dev';
import { registerDoctor } from './commands/doctor';
import { registerExport } from './commands/export';
import { registerInit } from './commands/init';
import { registerList } from './commands/list';
import { registerPause } from './commands/pause';
import { registerPlan } from './commands/plan';
import { registerReport } from './commands/report';
import { registerResume } from './commands/resume';
import { registerSet } from './commands/set';
import { registerStart } from './commands/start';
import { registerStatus } from './commands/status';
import { registerStudy } from './commands/study';
import { registerWorker } from './commands/worker';
import { CliError } from './terminal/errors';
import { plainText } from './terminal/output';

const VERSION = (require(join(projectDir(), 'package.json')) as { version: string }).version;

/** Errors whose message says it all. */
const SENTENCES = [SpecError, MethodError, StorePlaceError, StorageUnavailableError, CorruptArtifactError, PushError];

/** Runs the command line; returns the exit code. Errors go to stderr, as one sentence with the way out. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('rehearse')
    .description('Fine-tune a model whose SFT data is closed without making it forget, as durable Temporal workflows.')
    .version(VERSION)
    .showHelpAfterError('(add --help for the options)')
    .exitOverride();
  for (const register of [
    registerDemo,
    registerStudy,
    registerInit,
    registerPlan,
    registerStart,
    registerStatus,
    registerPause,
    registerResume,
    registerSet,
    registerCancel,
    registerList,
    registerExport,
    registerReport,
    registerDoctor,
    registerWorker,
    registerDev,
  ]) {
    register(program);
  }
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync(argv, { from: 'user' });
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode; // commander has said it
  if (error instanceof CliError) {
    process.stderr.write(`rehearse: ${plainText(error.message)}${error.hint === undefined ? '' : `; ${plainText(error.hint)}`}\n`);
    return error.exitCode;
  }
  if (SENTENCES.some((type) => error instanceof type)) {
    process.stderr.write(`rehearse: ${plainText((error as Error).message)}\n`);
    return 1;
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`rehearse: ${plainText(message)}\n`);
  if (process.env['REHEARSE_LOG'] === 'debug' && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  else process.stderr.write('(REHEARSE_LOG=debug shows where this came from)\n');
  return 1;
}
