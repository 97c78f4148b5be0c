import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { sideBySide } from '../../../cli/trained/side-by-side';
import { FakeHub } from '../../support/fake-hub';
import { rehearse } from '../../support/rehearse';
import { writeSampleRun } from '../../support/sample-run';

const home = mkdtempSync(join(tmpdir(), 'rehearse-model-'));
const checkpoint = join(home, 'made');
afterAll(() => rmSync(home, { recursive: true, force: true }));

beforeAll(async () => {
  mkdirSync(join(checkpoint, 'tokenizer'), { recursive: true });
  writeFileSync(join(checkpoint, 'config.json'), '{}');
  writeFileSync(join(checkpoint, 'model.safetensors'), 'weights');
  writeFileSync(join(checkpoint, 'tokenizer', 'tokenizer.json'), '{}');
  await writeSampleRun({ root: join(home, 'store'), runId: 'trained', checkpoint });
  await writeSampleRun({ root: join(home, 'store'), runId: 'mixed', until: 'mix', spec: (spec) => ({ ...spec, seed: 8 }) });
});

const model = async (...args: string[]): ReturnType<typeof rehearse> => await rehearse(['model', ...args], { home });

describe('rehearse model', () => {
  test('says where the checkpoint is, and what is in it', async () => {
    const { code, stdout, stderr } = await model('trained');
    expect({ code, lines: stdout.trim().split('\n').length }).toEqual({ code: 0, lines: 1 });
    expect(readdirSync(stdout.trim()).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer']);
    expect(stderr).toContain('method: 3 files, 11 B');
    const json = JSON.parse((await model('trained', '--json')).stdout) as { place: string; files: { file: string }[] };
    expect(json).toMatchObject({ runId: 'trained', variant: 'method', place: stdout.trim(), provider: false });
    expect(json.files).toHaveLength(3);
  });

  test('copies it with a card that says from what it was trained, how, and what it scores', async () => {
    const folder = join(home, 'copies', 'mine');
    expect(await model('trained', '--out', folder)).toMatchObject({ code: 0 });
    expect(readdirSync(folder).sort()).toEqual(['README.md', 'config.json', 'model.safetensors', 'tokenizer']);
    expect(readFileSync(join(folder, 'model.safetensors'), 'utf8')).toBe('weights');
    const card = readFileSync(join(folder, 'README.md'), 'utf8');
    expect(card).toMatch(/^---\nlibrary_name: transformers\n/);
    expect(card).toContain('Replay set: ours: best of all responses by all judges.');
    expect(card).toContain('| steps | 5 |');
    expect(card).toMatch(/\| mmlu_pro \| acc \| 8 \| 0\.375 \| 0\.250 \||\| mmlu_pro \| acc \| 8 \| 0\.250 \| 0\.250 \|/);
    expect(card).not.toContain('hunter2');

    const again = await model('trained', '--out', folder);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is there already, and not empty') as string });
  });

  test('refuses a copy of what is not what was stored', async () => {
    const root = join(home, 'damaged', 'store');
    await writeSampleRun({ root, runId: 'trained', checkpoint });
    const { stdout } = await rehearse(['model', 'trained'], { home: join(home, 'damaged') });
    writeFileSync(join(stdout.trim(), 'model.safetensors'), 'others');
    const { code, stderr } = await rehearse(['model', 'trained', '--out', join(home, 'copy-of-damaged')], { home: join(home, 'damaged') });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/is damaged: its checksum does not match its manifest/);
  });

  test('pushes it with its card to a hub, in one commit', async () => {
    const hub = await FakeHub.start('hf_thisIsASecret', 'me');
    try {
      const env = { HF_ENDPOINT: hub.url, HF_TOKEN: 'hf_thisIsASecret' };
      const { code, stderr } = await rehearse(['model', 'trained', '--push', 'me/my-model', '--private'], { home, env });
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringMatching(/pushed to .*me\/my-model .*a new private model/) as string,
      });
      const { files, commits, isPrivate } = hub.repositories.get('me/my-model')!;
      expect([...files.keys()].sort()).toEqual(['README.md', 'config.json', 'model.safetensors', 'tokenizer/tokenizer.json']);
      expect(files.get('model.safetensors')!.toString()).toBe('weights');
      expect({ commits, isPrivate }).toEqual({ commits: ['Model of run trained, row method'], isPrivate: true });
    } finally {
      await hub.close();
    }
  });

  test.each<[string, string[], RegExp]>([
    [
      'a row that is not there',
      ['trained', '--variant', 'other'],
      /no row is trained under the name "other"; rows that are trained are method/,
    ],
    ['a run that is not trained yet', ['mixed'], /the row "method" of run mixed is not trained yet; see npx rehearse status mixed/],
    ['a prompt without a chat', ['trained', '--prompt', 'Hello'], /--prompt is what --chat asks; add --chat/],
    ['a push without a token', ['trained', '--push', 'me/model'], /HF_TOKEN is not set/],
    ['a GGUF file of another name', ['trained', '--gguf', 'model.bin'], /"model.bin" is no name of a GGUF file; end it with .gguf/],
  ])('tells of %s in one sentence', async (_, args, sentence) => {
    const { code, stderr } = await rehearse(['model', ...args], { home, env: { HF_TOKEN: undefined } });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(sentence);
  });
});

describe('answers side by side', () => {
  const answers = [
    { model: 'before (official)', text: '<think>Hm.</think>\n\nOne\u001b[2J two', cut: false },
    { model: 'after (method)', text: 'A longer answer that needs more than one line in its column.', cut: true },
  ];

  test('stand in columns, without anything that moves the cursor, thoughts told apart', () => {
    const shown = sideBySide(answers, 80);
    expect(shown).not.toContain('\u001b[2J');
    expect(shown).toMatch(/before \(official\).*after \(method\)/);
    expect(shown).toContain('(thinks: Hm.)');
    expect(shown).toContain('[cut: --max-tokens]');
    for (const line of shown.split('\n')) expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(80);
  });

  test('stand below one another in a narrow terminal', () => {
    expect(sideBySide(answers, 40)).toMatch(/^before \(official\):\n\(thinks: Hm\.\)\n\nOne two\n\nafter \(method\):\nA longer/);
  });
});
