import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Help } from 'commander';
import { COMMANDS } from './command-table';

/** What the help of the whole program says of one command. */
interface CommandOutline {
  readonly name: string;
  /** Its name with what follows it, such as `start [options] <spec>`. */
  readonly term: string;
  readonly description: string;
}

/** Made by the build, beside the compiled commands; from the sources there is none. */
const FILE = 'outline.json';

/** Writes down what the commands say of themselves, so that the help of the whole program need not load them. */
export function writeOutline(folder: string): void {
  const program = new Command();
  for (const load of Object.values(COMMANDS)) load()(program);
  const help = new Help();
  const outline: CommandOutline[] = program.commands.map((command) => ({
    name: command.name(),
    term: help.subcommandTerm(command),
    description: command.description(),
  }));
  writeFileSync(join(folder, FILE), JSON.stringify(outline));
}

/** Adds all commands for the help alone: by their outline, or themselves where none was written. */
export function registerForHelp(program: Command, folder: string): void {
  const outline = readOutline(join(folder, FILE));
  if (outline === undefined) {
    for (const load of Object.values(COMMANDS)) load()(program);
    return;
  }
  const terms = new Map(outline.map(({ name, term }) => [name, term]));
  const help = new Help();
  program.configureHelp({ subcommandTerm: (command) => terms.get(command.name()) ?? help.subcommandTerm(command) });
  for (const { name, description } of outline) program.command(name).description(description);
}

function readOutline(file: string): readonly CommandOutline[] | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as readonly CommandOutline[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
