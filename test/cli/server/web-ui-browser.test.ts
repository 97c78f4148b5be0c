import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { chromium, type Browser, type Frame, type Locator, type Page } from 'playwright-core';
import { startRun } from '../../../cli/runs/start-run';
import { webUiListUrl, webUiUrl } from '../../../cli/server/connect';
import type { RunSpec } from '../../../config/spec';
import { SEARCH_ATTRIBUTES } from '../../../contract/search-attributes';
import { projectDir } from '../../../services/local/paths';
import { ensureTemporal, startDevServer, type DevServer } from '../../../services/local/temporal-server';
import { FakeEndpoint } from '../../support/fake-endpoint';
import { fakePythonJobs } from '../../support/fake-python-jobs';
import { smallSpec } from '../../support/small-spec';
import { quietReporter, testDeps, withWorkers } from '../../support/temporal';

// Needs a Chromium of the machine (Debian: apt install chromium), so it is no part of `npm test`: `npm run test:long webui`.
const inBrowser = process.env['REHEARSE_BROWSER'] === '1' ? describe : describe.skip;

const SIZE = { width: 1280, height: 720 };
/** Longer than a busy machine takes to draw a page. */
const PATIENCE_MS = 60_000;
const KEY_VARIABLE = 'REHEARSE_TEST_WEB_UI_KEY';
const WRONG_KEY = 'sk-wrong-0123456789';

inBrowser('the Web UI of the dev server in a browser', () => {
  let server: DevServer;
  let temporal: TestWorkflowEnvironment;
  let browser: Browser;
  let page: Page;
  let finished: string;
  let failed: string;
  let endWorkers: () => void;
  let working: Promise<void>;

  /** One run that ends well, and one whose key is refused, over a real server. */
  beforeAll(async () => {
    const folder = process.env['REHEARSE_TEST_RUN'] ?? '';
    process.env['REHEARSE_HOME'] = folder; // where the server's address is kept
    server = await startDevServer({
      binary: (await ensureTemporal(quietReporter)).path,
      dbFile: join(folder, 'temporal', 'dev.sqlite'),
      port: 0,
      uiPort: 0,
      searchAttributes: Object.fromEntries(SEARCH_ATTRIBUTES.map(({ name }) => [name, 'Keyword'])),
      logFile: join(folder, 'temporal.log'),
    });
    temporal = await TestWorkflowEnvironment.createFromExistingServer({ address: server.address });
    const [open, locked] = [await FakeEndpoint.start(), await FakeEndpoint.start({ apiKey: 'sk-right-0123456789' })];
    process.env[KEY_VARIABLE] = WRONG_KEY;
    const deps = { ...testDeps({ python: fakePythonJobs() }), env: { [KEY_VARIABLE]: WRONG_KEY } };
    // They stay, since the page of a run asks them where it stands.
    const ended = new Promise<void>((resolve) => (endWorkers = resolve));
    working = withWorkers(temporal, deps, async () => await ended);
    const of = async (runId: string, spec: RunSpec): Promise<string> => {
      const { workflowRunId } = await startRun(temporal.client, runId, spec);
      await temporal.client.workflow
        .getHandle(runId)
        .result()
        .catch(() => undefined);
      return workflowRunId;
    };
    finished = await of('my-run', spec(open.baseURL));
    failed = await of('wrong-key', spec(locked.baseURL));
    await Promise.all([open.close(), locked.close()]);
    browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: SIZE, colorScheme: 'light', timezoneId: 'UTC' });
    page.setDefaultTimeout(PATIENCE_MS);
  }, 900_000);

  afterAll(async () => {
    await browser.close();
    endWorkers();
    await working;
    await temporal.teardown();
    await server.stop();
  });

  /** What people and runs wrote is in frames of its own. Waits for the first that has it. */
  const inSomeFrame = async (find: (frame: Frame) => Locator): Promise<Locator> => {
    for (const deadline = Date.now() + PATIENCE_MS; ;) {
      for (const frame of page.frames()) {
        const found = find(frame);
        if ((await found.count().catch(() => 0)) > 0) return found.first(); // a frame may be replaced meanwhile
      }
      if (Date.now() > deadline) throw new Error(`no frame of ${page.url()} has it`);
      await page.waitForTimeout(200);
    }
  };

  /** For the docs. */
  const keep = async (name: string): Promise<void> => {
    await page.screenshot({ path: join(projectDir(), 'docs', 'images', `${name}.png`) });
  };

  test('the link of start opens on the page that says in words where the run stands', async () => {
    await page.goto(webUiUrl('my-run', 'default', finished)!);
    const table = await inSomeFrame((frame) => frame.locator('table', { hasText: 'extract' }));
    await inSomeFrame((frame) => frame.getByText('8 instructions from target, 17 % new data'));
    const rows = (await table.locator('tr').allInnerTexts()).map((row) => row.split(/\s+/).join(' '));
    expect(rows).toContainEqual(expect.stringMatching(/extract target 8 \/ 8 0/));
    expect(rows).toContainEqual(expect.stringMatching(/judge other 32 \/ 32 0/));
    await keep('web-ui');
  }, 600_000);

  test('the link of list opens on the experiments alone, without their child workflows', async () => {
    const names = async (): Promise<string[]> =>
      (await page.locator('table tbody tr').allInnerTexts()).map((row) => row.replaceAll(/\s+/g, ' '));
    await page.goto(webUiListUrl()!);
    await page.locator('table tbody tr', { hasText: 'my-run' }).first().waitFor();
    const experiments = await names();
    expect(experiments).toHaveLength(2);
    for (const runId of ['my-run', 'wrong-key']) expect(experiments).toContainEqual(expect.stringContaining(runId));
    await keep('web-ui-list');
    const all: string[] = [];
    for await (const { workflowId } of temporal.client.workflow.list()) all.push(workflowId);
    expect(all).toEqual(expect.arrayContaining(['my-run', 'my-run/synthesis'])); // which the link has left out
  }, 600_000);

  test('the page that start links to says why a run failed, without a click', async () => {
    await page.goto(webUiUrl('wrong-key', 'default', failed)!);
    const cause = await inSomeFrame((frame) =>
      frame.locator('p', { hasText: /^Failed: model "target" .*refuses every call \(HTTP 401\)/ }),
    );
    expect((await cause.boundingBox())!.y).toBeLessThan(SIZE.height);
    expect(await page.content()).not.toContain(WRONG_KEY);
    await keep('web-ui-failure');
  }, 600_000);
});

function spec(baseURL: string): RunSpec {
  return smallSpec(baseURL, (each) => {
    for (const model of Object.values(each.models)) model.apiKeyEnv = KEY_VARIABLE;
  });
}
