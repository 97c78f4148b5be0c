import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { projectDir } from '../services/local/paths';
import { openStore } from '../services/runs/open-store';
import { startViewServer } from '../view/server/view-server';
import { Viewer } from '../view/server/viewer';

const USAGE = `usage: node dist/bench/view-pictures.js --run ID [--out DIR]

Takes the pictures of the viewer that docs/images holds from a run of this machine's store (REHEARSE_HOME), with a Chromium of the machine
(Debian: apt install chromium; CHROMIUM is another path). The run of the pictures: npm run demo.`;

const SIZE = { width: 1360, height: 860 };

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { run: { type: 'string' }, out: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  if (values.help || values.run === undefined) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const runId = values.run;
  const out = values.out ?? join(projectDir(), 'docs', 'images');
  await mkdir(out, { recursive: true });
  const onError = (error: unknown): void => console.error(error);
  const cache = await mkdtemp(join(tmpdir(), 'rehearse-pictures-'));
  const viewer = await Viewer.open({
    opened: openStore(),
    cache,
    flagFile: () => join(cache, 'flags.jsonl'),
    runId,
    now: () => new Date(),
    onError,
  });
  const server = await startViewServer({ port: 0, answer: async (asked) => await viewer.answer(asked), onError });
  const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const url = `${server.url}${encodeURIComponent(runId)}/`;
    const first = await browser.newPage({ viewport: SIZE });
    do await first.goto(`${url}?sort=best`);
    while ((await first.locator('.rows li').count()) === 0);
    const best = await first.locator('.rows li').first().getAttribute('data-id');
    await first.close();
    for (const [name, path, colorScheme] of [
      ['view-list', '?sort=spread', 'light'],
      ['view-instruction', `i/${best}?sort=best`, 'light'],
      ['view-instruction-dark', `i/${best}?sort=best`, 'dark'],
      ['view-topics', 'topics', 'light'],
      ['view-judges', 'judges', 'light'],
    ] as const) {
      const page = await browser.newPage({ viewport: SIZE, colorScheme });
      await page.goto(`${url}${path}`);
      if (path.startsWith('i/')) await page.locator('details.judges summary').first().click();
      await page.screenshot({ path: join(out, `${name}.png`) });
      await page.close();
      console.log(join(out, `${name}.png`));
    }
  } finally {
    await browser.close();
    await server.close();
    await viewer.close();
    await rm(cache, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
