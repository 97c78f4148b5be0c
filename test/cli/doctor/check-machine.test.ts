import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderFindings } from '../../../cli/commands/doctor';
import { checkDisk, checkNode, checkStore, diskFinding } from '../../../cli/doctor/check-machine';
import { checkSpec } from '../../../cli/doctor/check-spec';
import { openStore } from '../../../services/runs/open-store';
import { FakeEndpoint } from '../../support/fake-endpoint';
import { smallSpec } from '../../support/small-spec';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();

describe('checkNode', () => {
  it.each([
    ['20.19.0', 'ok'],
    ['20.18.9', 'fail'],
    ['18.20.4', 'fail'],
    ['22.0.0', 'ok'],
    ['100.1.0', 'ok'],
  ])('finds Node.js %s %s', (version, state) => {
    expect(checkNode(version).state).toBe(state);
  });

  it('is content with the one that runs this', () => {
    expect(checkNode()).toMatchObject({ state: 'ok', message: process.versions.node });
  });
});

describe('disk and store', () => {
  it.each([
    [500e9, 'ok'],
    [20e9, 'ok'],
    [19e9, 'warn'],
    [1e9, 'warn'],
    [0.9e9, 'fail'],
  ])('calls %d free bytes %s', (bytes, state) => {
    const finding = diskFinding('/data', bytes);
    expect(finding.state).toBe(state);
    expect(finding.fix === undefined).toBe(state === 'ok');
  });

  it('measure a folder that is not there yet by the one that it will lie in', async () => {
    expect((await checkDisk(join(folder(), 'not', 'yet'))).message).toContain(folder());
  });

  it('prove that the store can be written, and leave nothing behind', async () => {
    const { store } = openStore(folder());
    expect(await checkStore(() => store)).toMatchObject({ state: 'ok' });
    expect(await readdir(folder())).toEqual([]);
  });

  it('say that the store cannot be written, and the way out', async () => {
    await writeFile(join(folder(), 'file'), '');
    const finding = await checkStore(() => openStore(join(folder(), 'file', 'store')).store);
    expect(finding).toMatchObject({ check: 'store', state: 'fail' });
    expect(finding.fix).toContain('REHEARSE_HOME');
  });

  it('say what is wrong with the name of a store', async () => {
    expect(await checkStore(() => openStore('gs://bucket').store)).toMatchObject({
      check: 'store',
      state: 'fail',
      message: expect.stringContaining('s3://BUCKET/PREFIX') as unknown,
    });
  });
});

describe('checkSpec', () => {
  async function specFile(baseURL: string): Promise<string> {
    const file = join(folder(), 'spec.json');
    await writeFile(file, JSON.stringify(smallSpec(baseURL)));
    return file;
  }

  it('asks each endpoint for the models that the spec wants of it', async () => {
    const endpoint = await FakeEndpoint.start({ models: ['target', 'others'] });
    const { baseURL } = endpoint;
    const { findings } = await checkSpec(await specFile(baseURL));
    await endpoint.close();
    expect(findings.find(({ check }) => check === 'model target')).toEqual({
      check: 'model target',
      state: 'ok',
      message: `target at ${baseURL}`,
    });
    expect(findings.find(({ check }) => check === 'model other')).toMatchObject({ state: 'warn', fix: 'did you mean "others"?' });
  });

  it('fails on an endpoint that is away, for each of its models', async () => {
    const { findings } = await checkSpec(await specFile('http://127.0.0.1:1/v1'));
    expect(findings.filter(({ state }) => state === 'fail').map(({ check }) => check)).toEqual(['model target', 'model other']);
  });

  it("gives a spec's mistakes as findings, one each", async () => {
    const file = join(folder(), 'bad.yaml');
    await writeFile(file, 'version: 1\nmodel: {}\n');
    const { spec, findings } = await checkSpec(file);
    expect(spec).toBeUndefined();
    expect(findings.length).toBeGreaterThan(1);
    expect(new Set(findings.map(({ check, state }) => `${check} ${state}`))).toEqual(new Set(['spec fail']));
  });
});

describe('renderFindings', () => {
  it('puts the way out below, and takes out what a terminal would obey', () => {
    const text = renderFindings(
      [
        { check: 'store', state: 'ok', message: 'fine' },
        { check: 'model a', state: 'fail', message: 'says \u001b[2Jno', fix: 'fix it' },
      ],
      false,
    );
    expect(text).toBe('✓ ok    store    fine\n✗ fail  model a  says no\n                 → fix it\n');
  });
});
