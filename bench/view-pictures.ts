import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import type { OpenStore } from '../services/runs/open-store';
import { startViewServer } from '../view/server/view-server';
import { Viewer } from '../view/server/viewer';

const SIZE = { width: 1360, height: 860 };

/** Takes the pictures of the viewer's pages, of a finished run. @returns when each is a file of `out` */
export async function takeViewPictures(run: {
  readonly browser: Browser;
  readonly opened: OpenStore;
  readonly runId: string;
  readonly out: string;
}): Promise<void> {
  const { browser, opened, runId, out } = run;
  const onError = (error: unknown): void => console.error(error);
  const cache = await mkdtemp(join(tmpdir(), 'rehearse-view-pictures-'));
  const { plan } = (await opened.plans.findRun(runId))!;
  const { generators } = (await opened.plans.load(plan)).spec.synthesis.respond;
  const viewer = await Viewer.open({ opened, cache, flagFile: () => join(cache, 'flags.jsonl'), runId, now: () => new Date(), onError });
  const server = await startViewServer({ port: 0, answer: async (asked) => await viewer.answer(asked), onError });
  try {
    const url = `${server.url}${encodeURIComponent(runId)}/`;
    const first = await browser.newPage({ viewport: SIZE });
    do await first.goto(url);
    while ((await first.locator('.rows li').count()) === 0);
    // The first generator's answers are at the top of the page: one of which an answer was kept.
    const kept = await first.locator('[name=generator] option').evaluateAll((options) => options.map((each) => each.getAttribute('value')));
    const query = `?sort=best&generator=${encodeURIComponent(generators.find((name) => kept.includes(name)) ?? '')}`;
    await first.goto(`${url}${query}`);
    const best = await first.locator('.rows li').first().getAttribute('data-id');
    await first.close();
    for (const [name, path, colorScheme] of [
      ['view-list', '?sort=spread', 'light'],
      ['view-instruction', `i/${best}${query}`, 'light'],
      ['view-instruction-dark', `i/${best}${query}`, 'dark'],
      ['view-judges', 'judges', 'light'],
      ['view-rows', 'rows', 'light'],
    ] as const) {
      const page = await browser.newPage({ viewport: SIZE, colorScheme });
      await page.goto(`${url}${path}`);
      if (path.startsWith('i/')) await page.locator('details.judges summary').first().click();
      await page.screenshot({ path: join(out, `${name}.png`) });
      await page.close();
      console.log(join(out, `${name}.png`));
    }
  } finally {
    await server.close();
    await viewer.close();
    await rm(cache, { recursive: true, force: true });
  }
}
