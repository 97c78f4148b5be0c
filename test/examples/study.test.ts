import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, variantsOf } from '../../config/variants';
import { checkSpecFiles, loadSpecFile } from '../../services/spec-files';
import { projectDir } from '../../services/local/paths';

const folder = join(projectDir(), 'examples', 'study');
const study = async (): ReturnType<typeof loadSpecFile> => await loadSpecFile(join(folder, 'study.yaml'));

interface Turn {
  readonly role: string;
  readonly content: string;
}

function rowsOf(file: string): Record<string, unknown>[] {
  return readFileSync(join(folder, file), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the study', () => {
  test('has every kind of row of the table, and finds all its files', async () => {
    const spec = await study();
    const variants = variantsOf(spec);
    expect(variants.map(({ replay }) => replay?.kind ?? 'official')).toEqual([
      'official', 'method', 'first-response', 'target-best', 'none', 'dataset', 'dataset', 'method', 'method',
    ]);
    expect(variants.filter(({ replay }) => replay?.kind === 'method').map(({ newShare }) => newShare)).toEqual([0.17, 0.33, 0.5]);
    expect(variants.flatMap(filesOf)).toEqual(['ultrachat.jsonl', 'wildchat.jsonl'].map((file) => join(folder, file)));
    expect((await checkSpecFiles(spec, { env: {} })).errors).toEqual([]);
  });

  test('its public sets have the rows that the largest mixture asks of them, in their own columns', async () => {
    const { synthesis, mix } = await study();
    const wanted = synthesis.extract.instructions - (mix.holdOut?.replay ?? 0);
    const ultrachat = rowsOf('ultrachat.jsonl');
    const wildchat = rowsOf('wildchat.jsonl');
    expect(Object.keys(ultrachat[0]!)).toEqual(['prompt', 'prompt_id', 'messages']);
    expect(Object.keys(wildchat[0]!)).toEqual(['conversation_id', 'model', 'conversation', 'turn', 'language', 'openai_moderation', 'detoxify_moderation', 'toxic', 'redacted']);
    // One row of WildChat has an empty answer, as the real set has: it is counted, and not used.
    const answered = [...ultrachat.map(({ messages }) => messages as Turn[]), ...wildchat.map(({ conversation }) => conversation as Turn[])].filter((turns) => turns.every(({ content }) => content !== ''));
    expect(answered).toHaveLength(ultrachat.length + wildchat.length - 1);
    expect(Math.min(ultrachat.length, wildchat.length - 1)).toBeGreaterThanOrEqual(wanted);
    for (const turns of answered) expect(turns.map(({ role }) => role)).toEqual(turns.map((_, index) => (index % 2 === 0 ? 'user' : 'assistant')));
  });
});
