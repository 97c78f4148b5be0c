import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { commandNamed, COMMANDS } from '../../cli/command-table';
import { registerForHelp, writeOutline } from '../../cli/outline';
import { rehearse } from '../support/rehearse';
import { useTempFolder } from '../support/temp-folder';

const folder = useTempFolder();

test.each(Object.entries(COMMANDS))('the command %s is the one that its name loads', (name, load) => {
  const program = new Command();
  load()(program);
  expect(program.commands.map((command) => command.name())).toEqual([name]);
});

test('the help from the outline of the build is the help from the commands themselves', () => {
  const helpOf = (from: string): string => {
    const program = new Command('rehearse');
    registerForHelp(program, from);
    return program.helpInformation();
  };
  const whole = helpOf(folder());
  writeOutline(folder());
  expect(JSON.parse(readFileSync(join(folder(), 'outline.json'), 'utf8'))).toHaveLength(Object.keys(COMMANDS).length);
  expect(helpOf(folder())).toBe(whole);
  expect(whole).toContain(`start [options] <spec>`);
});

test.each([
  [['start', 'spec.yaml'], 'start'],
  [['--verbose', 'status', 'run'], 'status'],
  [['help', 'plan'], 'plan'],
  [['--help'], undefined],
  [['help'], undefined],
  [['strat'], undefined],
  [['constructor'], undefined],
  [[], undefined],
])('the command line %j is for %p', (argv, name) => {
  expect(commandNamed(argv)).toBe(name);
});

test('an unknown command is told what it may have meant', async () => {
  const { code, stderr } = await rehearse(['strat'], { home: folder() });
  expect(code).not.toBe(0);
  expect(stderr).toContain('Did you mean start?');
});
