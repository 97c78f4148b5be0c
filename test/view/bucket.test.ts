import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore } from '../../services/runs/open-store';
import { openViewer } from '../support/open-viewer';
import { writeSampleRun } from '../support/sample-run';
import { quietReporter } from '../support/temporal';
import { S3Server } from '../support/versitygw';

jest.setTimeout(180_000);

let server: S3Server;

beforeAll(async () => {
  server = await S3Server.start(quietReporter);
  Object.assign(process.env, server.env); // the SDK reads its keys there
}, 600_000);
afterAll(async () => {
  await server.close();
});

test('a run in a bucket is shown as one in a directory, and what was damaged there is named', async () => {
  const run = await writeSampleRun();
  const place = `s3://${server.bucket}/view`;
  const { store } = openStore(place, { env: server.env, workFolder: join(run.root, 'work') });
  for (const folder of ['plans', 'runs', 'stages']) {
    for await (const { path } of run.store.files(folder)) await store.write(path, (await run.store.read(path))!);
  }
  const viewer = await openViewer(place, { env: server.env });
  const damaged = await openViewer(place, { env: server.env });
  try {
    let { body } = await viewer.get('');
    while (!body.includes('14 instructions')) ({ body } = await viewer.get(''));
    expect(body.match(/<li data-id/g)).toHaveLength(16);
    const detail = (await viewer.get('i/i0000004')).body;
    expect(detail.match(/<section class="answer/g)).toHaveLength(9);
    expect(detail).toContain('The answer addresses the question and is mostly clear.');
    expect(viewer.errors).toEqual([]);

    const [key] = await readdir(join(run.root, 'stages', 'respond'));
    const [part] = await store.list(`stages/respond/${key}`);
    const file = (await store.list(`stages/respond/${key}/${part}`)).find((name) => name.startsWith('rows-'))!;
    await store.write(`stages/respond/${key}/${part}/${file}`, 'another content');
    let shown = (await damaged.get('')).body;
    while (!shown.includes('is missing or damaged')) shown = (await damaged.get('')).body;
    expect(shown).toContain(`${file} is missing or damaged: its checksum does not match its manifest`);
  } finally {
    await viewer.close();
    await damaged.close();
    await rm(run.root, { recursive: true, force: true });
  }
});
