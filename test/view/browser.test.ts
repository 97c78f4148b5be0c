import { readFile, rm } from 'node:fs/promises';
import { chromium, type Browser, type Page } from 'playwright-core';
import { openViewer, type OpenViewer } from '../support/open-viewer';
import { writeSampleRun, type SampleRun } from '../support/sample-run';

// Needs a Chromium of the machine (Debian: apt install chromium), so it is no part of `npm test`: `npm run test:long view`.
const inBrowser = process.env['REHEARSE_BROWSER'] === '1' ? describe : describe.skip;

jest.setTimeout(300_000);

inBrowser('in a browser', () => {
  const HOSTILE = '<script>window.pwned = 1</script><img src=x onerror="window.pwned = 1"> \u202eevil \u0007';
  let run: SampleRun;
  let viewer: OpenViewer;
  let browser: Browser;
  let page: Page;
  const outside: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    run = await writeSampleRun({ instructionText: (index) => `${HOSTILE} ${index}`, responseText: () => HOSTILE });
    viewer = await openViewer(run.root);
    for (;;) if (((await viewer.get('')).body.match(/<li data-id/g) ?? []).length === 16) break;
    browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  });
  beforeEach(async () => {
    page = await browser.newPage({ colorScheme: 'light' });
    page.on('request', (request) => {
      if (!request.url().startsWith(viewer.url) && !request.url().startsWith('data:')) outside.push(request.url());
    });
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(viewer.url);
  });
  afterEach(async () => await page.close());
  afterAll(async () => {
    await browser.close();
    await viewer.close();
    await rm(run.root, { recursive: true, force: true });
  });

  test('what models wrote runs nothing, on no page', async () => {
    for (const path of ['', 'i/i0000000', 'judges', 'topics', 'documents', 'compare']) {
      await page.goto(`${viewer.url}demo/${path}`);
      expect(await page.evaluate('window.pwned')).toBeUndefined();
      expect(await page.locator('main script, main img').count()).toBe(0);
    }
    expect(complaints).toEqual([]);
  });

  test('keys go through the list, open an instruction, and come back', async () => {
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    expect(await page.locator('.rows li.selected').getAttribute('data-id')).toBe('i0000001');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/i\/i0000001/);
    await page.keyboard.press('j');
    await page.waitForURL(/\/i\/i0000002/);
    await page.keyboard.press('o');
    expect(await page.locator('details.judges[open]').count()).toBe(9);
    await page.keyboard.press('u');
    await page.waitForURL(/\/demo\/$/);
    await page.keyboard.press('/');
    await page.keyboard.type('no such words');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=no\+such\+words$/);
    expect(await page.locator('.rows li').count()).toBe(0);
    await page.keyboard.press('?');
    expect(await page.locator('#keys[open]').count()).toBe(1);
  });

  test('f flags with a reason, which the file then holds, and takes the flag off', async () => {
    await page.goto(`${viewer.url}demo/i/i0000004`);
    await page.keyboard.press('f');
    await page.keyboard.press('Enter');
    await page.locator('#flag-error', { hasText: 'Say why' }).waitFor();
    await page.locator('#flag-reason').fill('says who lives where');
    await page.keyboard.press('Enter');
    await page.waitForSelector('article[data-flag="says who lives where"]');
    expect(JSON.parse(await readFile(viewer.flagFile, 'utf8'))).toEqual({
      id: 'i0000004',
      reason: 'says who lives where',
      flaggedAt: '2026-11-05T10:00:00.000Z',
    });
    await page.keyboard.press('f');
    await page.waitForSelector('article[data-flag=""]');
    expect(await readFile(viewer.flagFile, 'utf8')).toBe('');
  });

  test('colours follow the system until they are switched', async () => {
    const paper = async (): Promise<unknown> => await page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await paper();
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await paper();
    expect(dark).not.toBe(light);
    await page.keyboard.press('t');
    expect(await paper()).toBe(light);
    await page.keyboard.press('t');
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await paper()).toBe(dark);
  });

  test('no page asks for anything elsewhere', async () => {
    await page.goto(`${viewer.url}demo/i/i0000001`);
    expect(outside).toEqual([]);
  });
});
