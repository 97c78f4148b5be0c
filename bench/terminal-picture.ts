import { spawn } from 'node:child_process';
import { join } from 'node:path';
import AnsiToHtml from 'ansi-to-html';
import type { Browser } from 'playwright-core';
import { projectDir } from '../services/local/paths';

const COLUMNS = 132;
const WIDTH_PX = 1180;
const STYLE =
  "margin:0;padding:18px 22px;color:#d6dae2;font:14px/1.38 'DejaVu Sans Mono',monospace;white-space:pre-wrap;overflow-wrap:anywhere";

export interface TerminalPicture {
  readonly browser: Browser;
  /** Of this tool. */
  readonly command: readonly string[];
  /** Only the first lines. */
  readonly lines?: number;
  readonly file: string;
}

/** Runs a command of this tool and takes a picture of what it prints, as a terminal shows it. @throws Error when the command fails */
export async function takeTerminalPicture({ browser, command, lines: most, file }: TerminalPicture): Promise<void> {
  const lines = (await outputOf(command)).trimEnd().split('\n');
  const kept = lines.slice(0, most);
  const shown = command.map((each) => (/^[\w./-]+$/.test(each) ? each : JSON.stringify(each))).join(' ');
  const text = [
    `$ npx rehearse ${shown}`,
    ...kept,
    ...(kept.length < lines.length ? [`… ${lines.length - kept.length} lines more`] : []),
  ].join('\n');
  // What models wrote is shown as text.
  const html = new AnsiToHtml({ escapeXML: true, fg: '#d6dae2', bg: '#14171d' }).toHtml(text);
  const page = await browser.newPage({ viewport: { width: WIDTH_PX, height: 600 } });
  await page.setContent(`<meta charset="utf-8"><body style="margin:0;background:#14171d"><pre style="${STYLE}">${html}</pre>`);
  await page.locator('pre').screenshot({ path: file });
  await page.close();
  console.log(file);
}

/** What a command prints, as in a terminal with colours. */
async function outputOf(command: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [join(projectDir(), 'bin', 'rehearse.js'), ...command], {
    env: { ...process.env, FORCE_COLOR: '1', COLUMNS: String(COLUMNS) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const code = await new Promise<number | null>((done, reject) => {
    child.once('error', reject);
    child.once('close', done);
  });
  if (code !== 0) throw new Error(`the command ended with exit code ${code}`);
  return output;
}
