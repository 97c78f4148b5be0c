import { rm } from 'node:fs/promises';
import { refusalOf } from '../../view/server/guard';
import { openViewer, type OpenViewer } from '../support/open-viewer';
import { writeSampleRun, type SampleRun } from '../support/sample-run';

jest.setTimeout(120_000);

const HOSTILE =
  '</pre></main><script>globalThis.pwned = 1</script><img src=x onerror="pwned=1"> "\' onmouseover=pwned() \u202egnp.exe\u202c \u001b[31mred \u0000nul \ud800 <%= it %> ${pwned} ' +
  '{{7*7}} &lt;b&gt;';

let run: SampleRun;
let viewer: OpenViewer;

beforeAll(async () => {
  run = await writeSampleRun({
    instructionText: (index) => `${index} ${HOSTILE}`,
    responseText: (index) => (index === 2 ? HOSTILE + 'long '.repeat(100_000) : HOSTILE),
    judgeText: (score) => `${HOSTILE}\nScore: ${Math.round(score)}`,
    lossReason: HOSTILE,
  });
  viewer = await openViewer(run.root);
  for (;;) if (((await viewer.get('')).body.match(/<li data-id/g) ?? []).length === 16) break;
});
afterAll(async () => {
  await viewer.close();
  await rm(run.root, { recursive: true, force: true });
});

test.each([
  '',
  '?sort=worst&page=0',
  'i/i0000002',
  'i/i0000002?whole=1',
  'i/i0000006',
  `?q=${encodeURIComponent(HOSTILE.replace('\ud800', ''))}`,
  `?generator=${encodeURIComponent('"><script>1</script>')}`,
])('what models and addresses hold is text on the page: %s', async (path) => {
  const { status, body } = await viewer.get(path);
  expect(status).toBe(200);
  expect(body).not.toMatch(/<script>|<img|onerror="/);
  expect(body.match(/<script/g)).toHaveLength(1); // ours
  // oxlint-disable-next-line no-control-regex -- these are what must not be there
  expect(body).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202a-\u202e\u2066-\u2069]/);
  expect(viewer.errors).toEqual([]);
});

test('right-to-left marks and control characters are made visible', async () => {
  const { body } = await viewer.get('i/i0000000');
  expect(body).toContain('⟨U+202E⟩gnp.exe');
  expect(body).toContain('␛[31mred ␀nul');
  expect(body).toContain('&lt;script&gt;globalThis.pwned = 1&lt;/script&gt;');
});

test('a huge text is shown in part, and whole when asked for', async () => {
  const part = (await viewer.get('i/i0000002')).body;
  const whole = (await viewer.get('i/i0000002?whole=1')).body;
  expect(part.length).toBeLessThan(400_000);
  expect(part).toContain('more characters');
  expect(whole.length).toBeGreaterThan(9 * 500_000);
});

test('nothing is answered without the token, whatever is asked for', async () => {
  const { pathname } = new URL(viewer.url);
  const token = pathname.slice(1, -1);
  expect(token).toMatch(/^[\w-]{32}$/);
  for (const path of ['/', '/demo/', '/view.js', `/${token.slice(1)}/demo/`, `/${token}x/demo/`, `/?token=${token}`, `//${token}/demo/`]) {
    const { status, body } = await viewer.raw({ path });
    expect([path, status]).toEqual([path, 403]);
    expect(body).not.toContain('i0000000');
  }
});

test('a page elsewhere whose name leads here is not answered', async () => {
  const { pathname, port } = new URL(viewer.url);
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', `127.0.0.1:1`, `localhost.evil.example:${port}`]) {
    expect((await viewer.raw({ path: `${pathname}demo/`, headers: { host } })).status).toBe(421);
  }
  expect((await viewer.raw({ path: `${pathname}demo/`, headers: { host: `localhost:${port}` } })).status).toBe(200);
});

test('only a page of ours changes something', async () => {
  const { pathname, port } = new URL(viewer.url);
  const host = `127.0.0.1:${port}`;
  const origin = `http://${host}`;
  const type = 'application/json';
  const url = `${pathname}demo/flags`;
  const refused = (headers: Record<string, string>): number | undefined =>
    refusalOf({ method: 'POST', url, headers: { host, ...headers } }, { token: pathname.slice(1, -1), port: Number(port) })?.status;
  expect(refused({ 'content-type': type })).toBe(403);
  expect(refused({ origin: 'http://evil.example', 'content-type': type })).toBe(403);
  expect(refused({ origin: 'null', 'content-type': type })).toBe(403);
  expect(refused({ origin, 'sec-fetch-site': 'cross-site', 'content-type': type })).toBe(403);
  expect(refused({ origin, 'content-type': 'text/plain' })).toBe(415);
  expect(refused({ origin, 'content-type': type })).toBeUndefined();
  expect((await viewer.raw({ path: url, method: 'PUT' })).status).toBe(405);
});

test('the pages may load and run nothing but the two files of the server', async () => {
  const { headers, body } = await viewer.get('');
  expect(headers['content-security-policy']).toBe(
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  );
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['referrer-policy']).toBe('no-referrer');
  expect(body).not.toMatch(/ (style|on[a-z]+)="/);
  expect(body.match(/(src|href)="(?!\/|data:,)/g) ?? []).toEqual([]);
});
