import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, variantsOf } from '../../config/variants';
import { projectDir } from '../../services/local/paths';
import { checkSpecFiles, loadSpecFile } from '../../services/runs/spec-files';

const folder = join(projectDir(), 'examples', 'study');
const study = async (): ReturnType<typeof loadSpecFile> => await loadSpecFile(join(folder, 'study.yaml'));

interface Turn {
  readonly role: string;
  readonly content: string;
}

function rowsOf(file: string): Record<string, unknown>[] {
  return readFileSync(join(folder, file), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the study', () => {
  test('has every kind of row of the table, and finds all its files', async () => {
    const spec = await study();
    const variants = variantsOf(spec);
    expect(variants.map(({ replay }) => replay?.kind ?? 'official')).toEqual([
      'official',
      'method',
      'first-response',
      'target-best',
      'none',
      'dataset',
      'dataset',
      'method',
      'method',
    ]);
    expect(variants.filter(({ replay }) => replay?.kind === 'method').map(({ newShare }) => newShare)).toEqual([0.17, 0.33, 0.5]);
    expect(variants.flatMap(filesOf)).toEqual(['ultrachat.jsonl', 'wildchat.jsonl'].map((file) => join(folder, file)));
    expect((await checkSpecFiles(spec, { env: {} })).errors).toEqual([]);
  });

  test('its public sets have the rows that the largest mixture asks of them, in their own columns', async () => {
    const { mix } = await study();
    const wanted = mix.maxExamples! - Math.round(mix.maxExamples! * mix.newShare);
    const ultrachat = rowsOf('ultrachat.jsonl');
    const wildchat = rowsOf('wildchat.jsonl');
    expect(Object.keys(ultrachat[0]!)).toEqual(['prompt', 'prompt_id', 'messages']);
    expect(Object.keys(wildchat[0]!)).toEqual([
      'conversation_id',
      'model',
      'conversation',
      'turn',
      'language',
      'openai_moderation',
      'detoxify_moderation',
      'toxic',
      'redacted',
    ]);
    // One row of WildChat has an empty answer, as the real set has: it is counted, and not used.
    const answered = [
      ...ultrachat.map(({ messages }) => messages as Turn[]),
      ...wildchat.map(({ conversation }) => conversation as Turn[]),
    ].filter((turns) => turns.every(({ content }) => content !== ''));
    expect(answered).toHaveLength(ultrachat.length + wildchat.length - 1);
    expect(Math.min(ultrachat.length, wildchat.length - 1)).toBeGreaterThanOrEqual(wanted);
    for (const turns of answered) {
      expect(turns.map(({ role }) => role)).toEqual(turns.map((_, index) => (index % 2 === 0 ? 'user' : 'assistant')));
    }
  });

  test('trains every row on as many examples, and keeps as many rows back as it says', async () => {
    const { mix, train, synthesis } = await study();
    expect(train.maxSteps! * train.perDeviceBatchSize * train.gradientAccumulation).toBeGreaterThanOrEqual(mix.maxExamples!);
    expect(2 * mix.holdOut!.replay + mix.holdOut!.new).toBeGreaterThanOrEqual(30);
    expect(synthesis.extract.instructions).toBeGreaterThan(mix.holdOut!.replay + mix.maxExamples! - Math.round(mix.maxExamples! * 0.17));
  });

  test('its prompts with rules have one rule each, four of a kind, with the arguments that its checker takes', () => {
    const rows = rowsOf('ifeval.jsonl') as {
      key: number;
      prompt: string;
      instruction_id_list: string[];
      kwargs: Record<string, unknown>[];
    }[];
    expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length);
    const given = new Map<string, { count: number; names: string[] }>();
    for (const {
      instruction_id_list: [rule = ''],
      kwargs: [values = {}],
    } of rows) {
      const names = Object.entries(values)
        .filter(([, value]) => value !== null)
        .map(([name]) => name);
      given.set(rule, { count: (given.get(rule)?.count ?? 0) + 1, names });
      expect(Object.keys(values)).toHaveLength(24);
    }
    expect(Object.fromEntries(given)).toEqual({
      'punctuation:no_comma': { count: 4, names: [] },
      'keywords:forbidden_words': { count: 4, names: ['forbidden_words'] },
      'keywords:existence': { count: 4, names: ['keywords'] },
      'change_case:english_lowercase': { count: 4, names: [] },
      'startend:end_checker': { count: 4, names: ['end_phrase'] },
      'startend:quotation': { count: 4, names: [] },
    });
    for (const {
      prompt,
      kwargs: [values = {}],
    } of rows) {
      for (const text of Object.values(values)
        .flat()
        .filter((value) => typeof value === 'string')) {
        expect(prompt).toContain(`"${text}"`);
      }
    }
  });
});
