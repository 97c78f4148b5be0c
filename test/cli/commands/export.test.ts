import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { coverageNotices } from '../../../cli/exports/coverage-notices';
import { FakeHub } from '../../support/fake-hub';
import { rehearse, type Ended } from '../../support/rehearse';
import { writeSampleRun } from '../../support/sample-run';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();
const START_MS = 60_000;

const run = async (args: readonly string[], pipe?: string): Promise<Ended> => await rehearse(args, { home: folder(), pipe });

describe('rehearse export', () => {
  it(
    'writes a data set for the hub, and says which stages are none',
    async () => {
      await writeSampleRun({ root: join(folder(), 'store') });
      const to = join(folder(), 'out');
      const { code, stderr } = await run(['export', 'demo', '--stage', 'mixture', '--dataset', to, '--shape', 'sharegpt']);
      expect(stderr).toMatch(/^rehearse: wrote \d+ conversations and their card to /);
      expect(code).toBe(0);
      expect(await readFile(join(to, 'README.md'), 'utf8')).toContain('# Mixture of a replay set and new data: demo');
      const wrong = await run(['export', 'demo', '--stage', 'judgments', '--dataset', to]);
      expect(wrong.code).not.toBe(0);
      expect(wrong.stderr).toContain('the judgments are no data set to train on');
    },
    START_MS,
  );

  it(
    'pushes a finished data set to the hub, and says where it is; the token is nowhere',
    async () => {
      const hub = await FakeHub.start('hf_secret', 'me');
      await writeSampleRun({ root: join(folder(), 'store') });
      const env = { HF_TOKEN: 'hf_secret', HF_ENDPOINT: hub.url };
      const push = ['export', 'demo', '--stage', 'replay', '--dataset', join(folder(), 'out'), '--push', 'me/set', '--private'];
      const { code, stdout, stderr } = await rehearse(push, { home: folder(), env });
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
      expect(stderr).toContain(`rehearse: pushed to ${hub.url}/datasets/me/set (commit c0ffee; a new private data set)\n`);
      expect(hub.repositories.get('me/set')).toMatchObject({
        isPrivate: true,
        commits: ['Replay set of run demo, variant method: 12 conversations'],
      });
      const refused = await rehearse(push, { home: folder(), env: { ...env, HF_TOKEN: 'hf_other' } });
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/rehearse: http.* does not know the token in HF_TOKEN \(HTTP 401\)/);
      expect(`${stderr}${refused.stderr}`).not.toMatch(/hf_secret|hf_other/);
      await hub.close();
    },
    START_MS,
  );

  it(
    'does not push a set that is not finished',
    async () => {
      const hub = await FakeHub.start('hf_secret', 'me');
      await writeSampleRun({ root: join(folder(), 'store'), until: 'first shard' });
      const { code, stderr } = await rehearse(
        ['export', 'demo', '--stage', 'replay', '--dataset', join(folder(), 'out'), '--push', 'me/set'],
        { home: folder(), env: { HF_TOKEN: 'hf_secret', HF_ENDPOINT: hub.url } },
      );
      expect(code).toBe(1);
      expect(stderr).toContain('rehearse: the data set is not finished, so it is not pushed; let the run end, or');
      expect(hub.repositories.size).toBe(0);
      await hub.close();
    },
    START_MS,
  );

  const pushing = (...more: string[]): string[] => ['export', 'demo', '--stage', 'replay', ...more];
  it.each<[string, readonly string[], Readonly<Record<string, string>>, string]>([
    ['without a token', pushing('--dataset', 'out', '--push', 'me/set'), { HF_TOKEN: '' }, 'HF_TOKEN is not set; set it to a token'],
    ['to no place', pushing('--dataset', 'out', '--push', 'set'), { HF_TOKEN: 't' }, '"set" names no data set of the hub; give OWNER/NAME'],
    ['of no data set', pushing('--push', 'me/set'), { HF_TOKEN: 't' }, 'only a data set is pushed; name a folder'],
    [
      'over plain http',
      pushing('--dataset', 'out', '--push', 'me/set'),
      { HF_TOKEN: 't', HF_ENDPOINT: 'http://hub.example' },
      'HF_ENDPOINT is http://hub.example, and a token is only sent over https',
    ],
    ['that is only said to be private', pushing('--private'), {}, '--private says how --push is done; add --push'],
  ])(
    'refuses a push %s before anything is written',
    async (_name, args, env, sentence) => {
      const { code, stderr } = await rehearse(args, { home: folder(), env });
      expect(code).toBe(2);
      expect(stderr).toContain(`rehearse: ${sentence}`);
    },
    START_MS,
  );

  it(
    'prints JSON lines and nothing else on standard output, without a server',
    async () => {
      await writeSampleRun({ root: join(folder(), 'store') });
      const { code, stdout, stderr } = await run(['export', 'demo', '--stage', 'replay']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const rows = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { messages: unknown[] });
      expect(rows.length).toBeGreaterThan(5);
      expect(rows[0]?.messages).toHaveLength(2);
    },
    START_MS,
  );

  it(
    'ends quietly, and well, when its reader has seen enough',
    async () => {
      await writeSampleRun({ root: join(folder(), 'store'), judgeText: () => 'x'.repeat(100_000) });
      const { code, stdout, stderr } = await run(['export', 'demo', '--stage', 'judgments'], '| head -c 40');
      expect(stdout).toMatch(/^\{"id":"i0000000:balanced:0:balanced",/);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    },
    START_MS,
  );

  it(
    'says on standard error what an unfinished run has not made yet',
    async () => {
      await writeSampleRun({ root: join(folder(), 'store'), until: 'first shard' });
      const { code, stdout, stderr } = await run(['export', 'demo', '--stage', 'responses', '--variant', 'method']);
      expect(code).toBe(0);
      expect(stdout.trimEnd().split('\n').length).toBeGreaterThan(50);
      expect(stderr).toBe(
        'rehearse: note: run "demo" has not made all its responses yet: 3 of 6 parts are missing (3 of respond); see "npx rehearse status demo"\n',
      );
    },
    START_MS,
  );

  it(
    'writes Parquet to a file',
    async () => {
      await writeSampleRun({ root: join(folder(), 'store') });
      const out = join(folder(), 'mixture.parquet');
      const { code, stdout, stderr } = await run(['export', 'demo', '--stage', 'mixture', '--format', 'parquet', '--out', out]);
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
      expect(stderr).toMatch(/^rehearse: wrote \d+ mixture to .*mixture\.parquet\n$/);
      expect((await readFile(out)).subarray(0, 4).toString()).toBe('PAR1');
    },
    START_MS,
  );

  const mistakes: readonly (readonly [string, readonly string[], string])[] = [
    ['an unknown run', ['export', 'dmo', '--stage', 'replay'], 'rehearse: no run "dmo" is stored here; did you mean demo?\n'],
    [
      'an unknown stage',
      ['export', 'demo', '--stage', 'judgements'],
      'rehearse: no stage is called "judgements"; did you mean judgments? The stages are instructions, responses, judgments, replay, mixture, evaluation, losses, failures\n',
    ],
    [
      'an unknown variant',
      ['export', 'demo', '--stage', 'mixture', '--variant', 'tulu'],
      'rehearse: no variant is called "tulu"; variants with data are method\n',
    ],
    [
      'the variant without data',
      ['export', 'demo', '--stage', 'mixture', '--variant', 'official'],
      'rehearse: the variant "official" is the target model as it is: it has no data to export; variants with data are method\n',
    ],
    [
      'Parquet without a file',
      ['export', 'demo', '--stage', 'replay', '--format', 'parquet'],
      'rehearse: a Parquet file is not printed; name a file with --out FILE\n',
    ],
  ];
  it.each(mistakes)(
    'answers %s with one sentence and the way out',
    async (name, args, sentence) => {
      await writeSampleRun({ root: join(folder(), 'store'), until: 'first shard' });
      // Whether there is such a run is no question of how the command line is written.
      expect(await run(args)).toEqual({ code: name === 'an unknown run' ? 1 : 2, stdout: '', stderr: sentence });
    },
    START_MS,
  );

  it(
    'refuses a run id that is none, before it touches the store',
    async () => {
      const { code, stdout, stderr } = await run(['export', '../../etc', '--stage', 'replay']);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^rehearse: .*"\.\.\/\.\.\/etc"/);
    },
    START_MS,
  );
});

describe('coverageNotices', () => {
  it('are none for a complete export', () => {
    expect(coverageNotices('demo', 'replay', { planned: 200, missing: new Map(), outdated: 0 })).toEqual([]);
  });

  it('tell missing and outdated parts apart', () => {
    expect(
      coverageNotices('demo', 'failures', {
        planned: 2_801,
        missing: new Map([
          ['judge', 1_200],
          ['mix', 1],
        ]),
        outdated: 3,
      }),
    ).toEqual([
      'run "demo" has not made all its failures yet: 1,201 of 2,801 parts are missing (1,200 of judge, 1 of mix); see "npx rehearse status demo"',
      '3 of 2,801 parts were made by another version of Rehearse or from inputs that have changed since; "npx rehearse resume demo" makes them again from the stored calls',
    ]);
  });
});
