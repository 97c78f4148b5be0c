import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunSpecInput } from '../../config/spec';
import { gatherReport } from '../../report/gather/report-data';
import { renderReport, writeReportFiles } from '../../report/write-report';
import { writeSampleRun, type SampleRunOptions } from '../support/sample-run';
import { useTempFolder } from '../support/temp-folder';

const folder = useTempFolder();
const now = new Date('2026-11-04T00:00:00Z');

async function render(options: SampleRunOptions = {}): Promise<{ html: string; markdown: string; json: string }> {
  return await renderReport(await gatherReport({ ...(await writeSampleRun({ root: folder(), ...options })), now }));
}

interface Rendered {
  readonly html: string;
  readonly markdown: string;
}

/** The plain and the hostile run are only read, so one rendering of each serves all tests. */
const shared: { plain: Rendered; plainWithAll: Rendered; hostile: Rendered } = {} as never;
let sharedFolder = '';

beforeAll(async () => {
  sharedFolder = await mkdtemp(join(tmpdir(), 'rehearse-test-'));
  const all = (input: RunSpecInput): RunSpecInput => ({ ...input, report: { examples: 50 } });
  shared.plain = await render({ root: join(sharedFolder, 'plain') });
  shared.plainWithAll = await render({ root: join(sharedFolder, 'all'), spec: all });
  shared.hostile = await render({ root: join(sharedFolder, 'hostile'), ...hostile });
});

afterAll(async () => {
  await rm(sharedFolder, { recursive: true, force: true });
});

/** Everything that model text could try, in one string. */
const HOSTILE = [
  '<script>alert("x")</script></style></pre></details><img src=x onerror=alert(1)>',
  '<%= 1 + 1 %> {{7*7}} ${7*7}',
  '[click](javascript:alert(1)) ![pixel](http://evil.example/p.png) <http://evil.example>',
  '``````\n# broke out\n<iframe src="http://evil.example"></iframe>\n``````',
  '\u001b[31mred\u001b]0;title\u0007 \u202etxt.exe',
  '| a | b |\n|---|---|\n</table>',
].join('\n');

const hostile: SampleRunOptions = {
  instructionText: () => HOSTILE,
  responseText: () => HOSTILE,
  judgeText: () => HOSTILE,
  lossReason: HOSTILE,
  newText: HOSTILE,
  spec: (input) => ({ ...input, description: HOSTILE.slice(0, 400), report: { examples: 50 } }),
};

test('the page loads nothing, runs nothing, and says so in a policy', () => {
  const { html } = shared.plain;
  expect(html).toContain(
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">`,
  );
  expect(html.match(/<script|<link|<iframe|<img|<object|@import|url\(|\s(?:src|on[a-z]+)=/gi)).toBeNull();
  expect([...html.matchAll(/href="([^"]*)"/g)].every(([, target]) => target!.startsWith('#'))).toBe(true);
});

test('hostile model text is text in the page', () => {
  const { html } = shared.hostile;
  const tags = (page: string): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const [, tag] of page.matchAll(/<(\/?[a-z][a-z0-9]*)/gi)) if (!['p', '/p'].includes(tag!)) counts[tag!] = (counts[tag!] ?? 0) + 1;
    return counts;
  };
  const plots = /<svg [^]*?<\/svg>/g;
  const plain = shared.plainWithAll.html;
  expect(tags(html.replace(plots, ''))).toEqual(tags(plain.replace(plots, '')));
  // Texts of other lengths have other bars in their plot, but nothing else in it.
  const drawn = (page: string): string[] => Object.keys(tags(page.match(plots)!.join(''))).sort();
  expect(drawn(html)).toEqual(drawn(plain));
  expect(html).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&lt;/style&gt;');
  expect(html).toContain('&lt;%= 1 + 1 %&gt;');
  expect(html).toContain('␛[31mred␛]0;title␇ ⟨U+202E⟩txt.exe');
  // oxlint-disable-next-line no-control-regex -- their absence is the point
  expect(html.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g)).toBeNull();
});

test('hostile model text stays within its fences and cells in Markdown', () => {
  const { markdown } = shared.hostile;
  const outside: string[] = [];
  let fence: string | undefined;
  for (const line of markdown.split('\n')) {
    const run = /^(`{3,})/.exec(line)?.[1];
    if (fence === undefined && run !== undefined) fence = run;
    else if (fence !== undefined && line === fence) fence = undefined;
    else if (fence === undefined) outside.push(line);
  }
  expect(fence).toBeUndefined();
  const text = outside.join('\n');
  expect(text).not.toMatch(/<[a-z!/]/i);
  expect(text).not.toMatch(/(?<!\\)\]\(/);
  expect(text).not.toMatch(/https?:/);
  expect(outside.filter((line) => line.startsWith('# '))).toEqual(['# demo']);
  expect(markdown).toContain('␛[31mred');
  // oxlint-disable-next-line no-control-regex -- their absence is the point
  expect(markdown.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g)).toBeNull();
});

test('every table row of the Markdown has as many cells as its header', () => {
  const { markdown } = shared.hostile;
  const cells = (line: string): number => line.replace(/\\./g, '').split('|').length;
  const uneven: string[] = [];
  let tables = 0;
  let width: number | undefined;
  for (const line of markdown.replace(/^(`{3,})[a-z]*\n[^]*?\n\1$/gm, '').split('\n')) {
    if (!line.startsWith('|')) width = undefined;
    else if (width === undefined) {
      tables++;
      width = cells(line);
    } else if (cells(line) !== width) uneven.push(line);
  }
  expect(uneven).toEqual([]);
  expect(tables).toBeGreaterThan(10);
});

test('the page and the Markdown tell scores, shares, losses and the honest remark', () => {
  const { html, markdown } = shared.plain;
  for (const page of [html, markdown]) {
    for (const wanted of [
      '18.8 → 16.7',
      '12 of 16',
      '14.3 %',
      'A demonstration, which measures nothing.',
      'lost at selection: scores missing',
      'npx rehearse export demo --stage failures',
      'Krippendorff',
    ]) {
      expect([wanted, page.replaceAll('\u00a0', ' ').includes(wanted)]).toEqual([wanted, true]);
    }
  }
});

test('plots are drawn as text-bearing SVG with a description beside them', () => {
  const { html } = shared.plain;
  const wide = html.match(/<div class="wide"><svg [^>]*--natural:(\d+)/g) ?? [];
  expect(html.match(/<svg /g)).toHaveLength(13 + wide.length); // those that stand alone are drawn for wide pages once more
  expect(html.match(/<div class="narrow"><svg /g)).toHaveLength(wide.length);
  expect(wide.map((each) => Number(/\d+$/.exec(each)![0])).every((width) => width > 700)).toBe(true);
  expect(wide.length).toBeGreaterThan(3);
  expect(html.match(/role="img" aria-label="[^"]{20,}"/g)).toHaveLength(13);
  expect(html).toMatch(/<text[^>]*>MMLU-Pro<\/text>/);
  expect(html.match(/NaN|undefined|Infinity/g)).toBeNull();
});

test.each(['first shard', 'mix', 'official'] as const)('a run that is done up to "%s" renders, and says what is missing', async (until) => {
  const { html, markdown } = await render({ until });
  for (const page of [html, markdown]) {
    expect(page.includes('This run is not finished. Still missing: ')).toBe(true);
    expect(page.match(/NaN|undefined|Infinity/g)).toBeNull();
  }
});

test('the files are written under the run in the store, or where the caller says', async () => {
  const run = await writeSampleRun({ root: folder() });
  const stored = await writeReportFiles({ ...run, now });
  expect(stored).toEqual({
    html: join(run.root, 'runs/demo/report/report.html'),
    markdown: join(run.root, 'runs/demo/report/report.md'),
    json: join(run.root, 'runs/demo/report/report.json'),
    variants: join(run.root, 'runs/demo/report/variants.csv'),
    tasks: join(run.root, 'runs/demo/report/tasks.csv'),
    heldOut: null,
    contamination: null,
    finished: true,
  });
  const elsewhere = await writeReportFiles({ ...run, now, folder: join(run.root, 'elsewhere/deep') });
  expect((await readFile(elsewhere.html)).equals(await readFile(stored.html))).toBe(true);
  expect(JSON.parse(await readFile(elsewhere.json, 'utf8'))).toMatchObject({ format: 1, runId: 'demo', finished: true });
});
