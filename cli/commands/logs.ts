import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, type Command } from 'commander';
import { dataDir } from '../../services/local/paths';
import { CliError, UsageError } from '../terminal/errors';
import { followLines, lastLines, logLine } from '../terminal/log-lines';
import { onStopSignal } from '../terminal/signals';

const SOURCES = ['worker', 'temporal', 'model'] as const;

interface LogsOptions {
  readonly run?: string;
  readonly lines: string;
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** `rehearse logs`: what the workers, the server and the model of this machine wrote. */
export function registerLogs(program: Command): void {
  program
    .command('logs')
    .description('show the logs of the workers, the server or the model that "dev" and "demo" started here')
    .addArgument(new Argument('[source]', 'whose').choices([...SOURCES]).default('worker'))
    .option('--run <id>', "only the worker's lines about this run")
    .option('-n, --lines <number>', 'how many of the last lines', '100')
    .option('-f, --follow', 'go on showing what is added, until Ctrl-C')
    .option('--json', 'print the lines as they are')
    .addHelpText(
      'after',
      `
They lie in REHEARSE_HOME/logs. Workers that you started yourself write JSON lines to stderr, which you keep where you like. Training and
evaluation log into their folder in the store: stages/train/<key>/all/job/sft.log and stages/evaluate-task/<key>/all/job/evaluate.log.`,
    )
    .action(async (source: string, { run, lines, follow, json }: LogsOptions) => {
      if (!/^[1-9]\d{0,6}$/.test(lines)) throw new UsageError(`--lines is "${lines}"`, { hint: 'give a whole number above 0' });
      if (run !== undefined && source !== 'worker') {
        throw new UsageError('--run is for the log of the worker', { hint: 'leave one of them out' });
      }
      const file = join(dataDir(), 'logs', `${source}.log`);
      if (!existsSync(file)) {
        throw new CliError(`there is no ${file}`, { hint: '"npx rehearse dev" writes it; other workers write to their stderr' });
      }
      const show = (line: string): void => {
        const shown = logLine(line, { run, raw: json === true });
        if (shown !== undefined) process.stdout.write(`${shown}\n`);
      };
      const { found, end } = await lastLines(file, Number(lines), (line) => logLine(line, { run, raw: true }) !== undefined);
      for (const line of found) show(line);
      if (follow) {
        await followLines(
          file,
          end,
          show,
          onStopSignal(() => undefined),
        );
      }
    });
}
