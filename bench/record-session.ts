import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import prettyMs from 'pretty-ms';
import { setUpReporter } from '../cli/terminal/loudness';
import { projectDir } from '../services/local/paths';
import { ensureVenv } from '../services/local/python-environment';
import { fitIntoSeconds, type Cast } from './session/cast';

const USAGE = `node dist/bench/record-session.js [--seconds 40] [--out DIR] [--store DIR] [COMMAND...]

Records commands in a terminal of their own, in this checkout and with an empty data folder (--store: with a copy of this store in it): session.cast (asciicast 2, for asciinema and its
like) and session.svg, a picture that moves. What takes longer than --seconds is played faster; the title says by how much. Needs "script"
(util-linux). The commands of the docs:
`;

/** What one does first. */
const COMMANDS = ['npm run --silent demo', 'npx rehearse status demo', 'npx rehearse export demo --stage replay | head -c 300'];
const SIZE = { columns: 100, rows: 30 };
/** A picture holds one frame for each of these at most. */
const FRAME_MS = 1_000;
const LAST_FRAME_MS = 5_000;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      seconds: { type: 'string', default: '40' },
      out: { type: 'string', default: join(projectDir(), 'docs', 'images') },
      store: { type: 'string' },
      help: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(`${USAGE}${COMMANDS.map((command) => `  ${command}\n`).join('')}`);
    return;
  }
  const commands = positionals.length > 0 ? positionals : COMMANDS;
  const requirements = join(projectDir(), 'bench', 'session', 'termtosvg.txt');
  const termtosvg = join(dirname(await ensureVenv({ name: 'termtosvg', requirements, reporter: setUpReporter() })), 'termtosvg');
  const folder = mkdtempSync(join(tmpdir(), 'rehearse-session-'));
  try {
    const recorded = join(folder, 'recorded.cast');
    if (values.store !== undefined) cpSync(values.store, join(folder, 'home', 'store'), { recursive: true });
    record(termtosvg, commands, { folder, recorded });
    const { cast, tookMs } = fitIntoSeconds(readFileSync(recorded, 'utf8'), Number(values.seconds));
    const title = `${commands.join('; ')} (${prettyMs(tookMs, { secondsDecimalDigits: 0 })}, shown in ${values.seconds} s)`;
    const file = join(values.out, 'session.cast');
    writeFileSync(file, textOf({ ...cast, header: { ...cast.header, title } }));
    const drawn = ['render', file, join(values.out, 'session.svg'), '-m', String(FRAME_MS), '-D', String(LAST_FRAME_MS)];
    if (spawnSync(termtosvg, drawn, { stdio: 'inherit' }).status !== 0) throw new Error(`${file} could not be drawn`);
    console.log(title);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Types the commands and runs them, one after the other. @throws Error where one of them fails */
function record(termtosvg: string, commands: readonly string[], to: { readonly folder: string; readonly recorded: string }): void {
  const session = join(to.folder, 'session.sh');
  const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const shown = commands.map((command) => `printf '\\033[1m$ %s\\033[0m\\n' ${quoted(command)}; sleep 1; ${command} || exit 1; echo\n`);
  writeFileSync(session, `${shown.join('')}touch ${quoted(join(to.folder, 'done'))}\n`);
  const recorder = `${quoted(termtosvg)} record ${quoted(to.recorded)} -c 'bash ${session}' -g ${SIZE.columns}x${SIZE.rows}`;
  const { error } = spawnSync('script', ['--quiet', '--return', '--command', recorder, '/dev/null'], {
    cwd: projectDir(),
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, REHEARSE_HOME: join(to.folder, 'home'), TERM: 'xterm-256color', NO_COLOR: undefined, CI: undefined },
  });
  if (error !== undefined) throw new Error(`"script" cannot be started (${error.message}); it is a part of util-linux`);
  readFileSync(join(to.folder, 'done'));
}

function textOf({ header, events }: Cast): string {
  return [header, ...events].map((line) => `${JSON.stringify(line)}\n`).join('');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
