import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { parseSpecText } from '../../config/load-spec';
import { SpecError } from '../../config/spec-errors';
import { loadSpecFile } from '../../services/runs/spec-files';
import { specWith, validSpec } from './valid-spec';

const PLACE = { folder: '/specs', file: 'run.yaml' };

function messageOf(text: string): string {
  try {
    parseSpecText(text, PLACE);
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the text of a spec', () => {
  it('may be YAML or JSON, and means the same', () => {
    const yaml = parseSpecText(stringify(validSpec()), PLACE);
    expect(parseSpecText(JSON.stringify(validSpec()), PLACE)).toEqual(yaml);
    expect(parseSpecText(`\uFEFF${stringify(validSpec()).replace(/\n/g, '\r\n')}`, PLACE)).toEqual(yaml);
  });

  it('reads 1e-6 as a number, and yes and no as text', () => {
    const text = stringify(validSpec()).concat('train:\n  learningRate: 1e-6\ndescription: no\n');
    expect(parseSpecText(text, PLACE)).toMatchObject({ train: { learningRate: 0.000001 }, description: 'no' });
  });

  it('with a mistake says in which line', () => {
    const text = 'version: 1\n# a comment\nmix:\n  newData: x.jsonl\n  newShare: 17\n';
    expect(messageOf(text)).toContain('run.yaml:5: mix.newShare: got 17, expected a number above 0 and below 1; write 17 % as 0.17.');
  });

  it('with a missing key names the line of what it is missing in', () => {
    const spec = specWith('mix/newData', undefined);
    const text = stringify({ ...spec, mix: { newShare: 0.2 } });
    const line = text.split('\n').indexOf('mix:') + 1;
    expect(messageOf(text)).toMatch(new RegExp(`^run\\.yaml:${line}: mix\\.newData: got nothing, expected`));
  });

  it('with a wrong entry of a list names its line', () => {
    const text = stringify(specWith('synthesis/judge/judges', ['target', 'otter']));
    const line = text.split('\n').findIndex((row) => row.includes('otter')) + 1;
    expect(messageOf(text)).toBe(
      `run.yaml:${line}: synthesis.judge.judges[1]: got "otter", expected a name under models (target, other); did you mean "other"?`,
    );
  });

  it.each([
    [
      'a key given twice',
      'version: 1\nseed: 1\nseed: 2\n',
      'run.yaml:3: spec: got text that is no YAML at column 1 (Map keys must be unique), expected a YAML or JSON mapping; remove one of the two keys.',
    ],
    [
      'a bracket left open',
      'version: 1\nmix: [1,\nseed: 2\n',
      expect.stringMatching(
        /^run\.yaml:3: spec: got text that is no YAML at column 1 \(Flow sequence .+\), expected a YAML or JSON mapping; fix the syntax\.$/,
      ),
    ],
    [
      'a tab as indentation',
      'mix:\n\tnewData: x\n',
      expect.stringMatching(/^run\.yaml:2: spec: got text that is no YAML at column 1 \(.*[Tt]abs?.*\), expected/),
    ],
    [
      'a list',
      '- 1\n',
      'run.yaml: spec: got [1], expected a mapping with the keys version, models, target, synthesis and mix; start from `rehearse init`.',
    ],
    [
      'nothing',
      '',
      'run.yaml: spec: got nothing, expected a mapping with the keys version, models, target, synthesis and mix; start from `rehearse init`.',
    ],
    [
      'broken JSON',
      '{"version": 1,, "seed": 2}',
      expect.stringMatching(/^run\.yaml:1: spec: got text that is no YAML at column \d+ \(.+\), expected/),
    ],
    ['an alias to nowhere', 'mix: *nowhere\n', expect.stringMatching(/^run\.yaml(:1)?: spec: got .*alias.*, expected .+\.$/i)],
  ])('that is %s gets one sentence', (_what, text, sentence) => {
    const message = messageOf(text);
    expect(message.split('\n')).toHaveLength(1);
    expect(message).toEqual(sentence);
  });

  it('whose alias stands within its own anchor is refused instead of followed', () => {
    const text = 'version: 1\nmodels:\n  a: &a\n    b: [1, *a]\n';
    expect(() => parseSpecText(text, { folder: '/', file: 'run.yaml' })).toThrow(
      'run.yaml:4: spec: got an alias within what it stands for, expected one that has an end; write that part out.',
    );
  });

  it('whose aliases multiply is refused instead of unfolded', () => {
    const layers = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
    for (const [below, name] of [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'd'],
      ['d', 'e'],
      ['e', 'f'],
    ] as const) {
      layers.push(`${name}: &${name} [${Array(10).fill(`*${below}`).join(', ')}]`);
    }
    expect(messageOf(layers.join('\n'))).toBe(
      'run.yaml: spec: got YAML aliases that cannot be resolved or that multiply, expected at most 100 uses of anchors that exist; write the repeated parts out.',
    );
  });

  it('may share the parts of several models by anchors', () => {
    const text = stringify(validSpec()).replace(
      'models:\n',
      'models:\n  base: &base { baseURL: "http://h/v1", model: m, template: chatml }\n  twin:\n    <<: *base\n    supportsN: false\n',
    );
    expect(parseSpecText(text, PLACE).models['twin']).toMatchObject({ model: 'm', supportsN: false });
  });
});

describe('relative paths', () => {
  const data = { test: 'eval/test.jsonl', validation: '/abs/validation.jsonl' };

  it('start at the folder of the spec', () => {
    const spec = {
      ...specWith('mix/newData', '../new.jsonl'),
      target: { model: 'target', weights: './weights' },
      evaluate: { tasks: [{ task: 'mmlu_pro', data }] },
    };
    expect(parseSpecText(JSON.stringify(spec), PLACE)).toMatchObject({
      target: { weights: '/specs/weights' },
      mix: { newData: '/new.jsonl' },
      evaluate: { tasks: [{ data: { test: '/specs/eval/test.jsonl', validation: '/abs/validation.jsonl' } }] },
    });
  });

  it('are not seen in hub ids and builtin weights', () => {
    for (const weights of ['org/model', 'builtin:smollm2-135m-instruct', '/abs/weights']) {
      expect(parseSpecText(JSON.stringify(specWith('target/weights', weights)), PLACE).target.weights).toBe(weights);
    }
  });
});

describe('a text that YAML takes and nobody means', () => {
  const text = stringify(validSpec());
  it.each([
    [
      'a merge key of a number',
      text.replace(/^mix:$/m, 'mix:\n  <<: 5'),
      'got a merge key << with something else than a mapping, expected an alias of a mapping there',
    ],
    [
      'a model that is called __proto__',
      text.replace(/^models:$/m, 'models:\n  __proto__: { model: m }'),
      'models.__proto__: got the key "__proto__"',
    ],
    ['an address of another protocol', text.replace(/baseURL: http:/, 'baseURL: ftp:'), 'begin it with http:// or https://'],
    ['an address without a protocol', text.replace(/baseURL: http:\/\//, 'baseURL: '), 'begin it with http:// or https://'],
    [
      'yes, which is a text since YAML 1.2',
      text.replace(/^( +)(model: .*)$/m, '$1$2\n$1supportsN: yes'),
      'supportsN: got "yes", expected true or false; write supportsN: true.',
    ],
    ['a key twice', `${text}seed: 1\nseed: 2\n`, 'remove one of the two keys'],
  ])('gets a sentence: %s', (_, changed, said) => {
    expect(changed).not.toBe(text);
    expect(() => parseSpecText(changed, PLACE)).toThrow(said);
  });
});

describe('a spec file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rehearse-load-spec-'));

  it('is found by its path, and its paths start at its folder', async () => {
    const file = join(folder, 'run.yaml');
    writeFileSync(file, stringify(specWith('mix/newData', 'new.jsonl')));
    expect((await loadSpecFile(file)).mix.newData).toBe(join(folder, 'new.jsonl'));
  });

  it('that is not there gets one sentence with what to do', async () => {
    await expect(loadSpecFile(join(folder, 'nowhere.yaml'))).rejects.toThrow(
      `spec: got "${folder}/nowhere.yaml" (there is no such file), expected a YAML or JSON file that can be read; write one with \`rehearse init\`, or name a preset: demo, single-gpu, paper, paper-frugal.`,
    );
    await expect(loadSpecFile('papr')).rejects.toThrow('did you mean the preset "paper"?');
    await expect(loadSpecFile(folder)).rejects.toThrow('(a directory)');
  });

  it('of megabytes is taken for a data file', async () => {
    const file = join(folder, 'data.yaml');
    writeFileSync(file, Buffer.alloc((1 << 20) + 1, 0x20));
    await expect(loadSpecFile(file)).rejects.toThrow(/got a file of 1048577 bytes, expected at most 1048576; is it a data file\?$/);
  });
});
