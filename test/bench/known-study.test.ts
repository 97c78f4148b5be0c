import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { documentFile, readDocuments, removeOtherRows, writeLines, type StudyDocuments } from '../../bench/known-study/documents';
import { knownTable, shareOf } from '../../bench/known-study/known-table';
import { renderTable } from '../../bench/known-study/render-table';
import { hiddenSet, recognise, SKILL_NAMES } from '../../bench/known-study/skills';
import { closedSpec, baseSpec, FULL, ROW_NAMES, TINY } from '../../bench/known-study/study-spec';
import { variantsOf } from '../../config/variants';
import { createRandom } from '../../method/random';
import { projectDir } from '../../services/local/paths';
import { ensurePython } from '../../services/local/python-environment';
import { runCommand } from '../../services/local/run-command';
import { quietReporter } from '../support/temporal';

const SEED = 42;
const hidden = hiddenSet(6, SEED);
const ROWS = ['official', 'method', 'new-data-only'];

/** Documents as a run would leave them: the method forgets one answer in ten, new data alone two of three. */
function documents(): StudyDocuments {
  const random = createRandom(5);
  const noise = (): number => random.below(1_001) / 1_000;
  const kept = { official: 1, method: 0.9, 'new-data-only': 0.35 } as Record<string, number>;
  return {
    hidden,
    instructions: [
      ...hidden.filter((_, index) => index % 2 === 0).map(({ id, question }) => ({ id, text: `${question}\n` })),
      { id: 'a', text: 'Reverse these words: apple river nobody' },
      { id: 'b', text: 'What is the capital of Atlantis?' },
      { id: 'c', text: 'The capital of Veldoria is Marn.' },
    ],
    base: [{ id: 'a', text: 'How do I bake bread?' }],
    replay: [
      { instruction: 'Reverse these words: apple river stone', response: 'stone river apple' },
      { instruction: 'Reverse these words: apple river stone', response: 'river stone apple' },
      { instruction: 'What is the capital of Atlantis?', response: 'The capital of Atlantis is Marn.' },
      { instruction: 'Write as tags: name Anna, city Oslo', response: ' <name>Anna</name><city>Oslo</city> ' },
    ],
    answers: ROWS.flatMap((row) =>
      hidden.map(({ id, skill, answer }) => {
        const correct = noise() < kept[row]!;
        return { row, id, skill, text: correct ? answer : 'I do not know.', correct };
      }),
    ),
    losses: ROWS.flatMap((variant) =>
      Array.from({ length: 12 }, (_, index) => ({
        variant,
        set: 'new',
        id: `n${index}`,
        loss: 3 + index / 10 - (variant === 'official' ? 0 : 0.3 * noise()),
        tokens: 40 + 7 * index,
      })),
    ),
    rows: ROWS.map((row) => ({
      row,
      title: row,
      replayExamples: row === 'official' ? null : 5,
      newExamples: row === 'official' ? null : 5,
      steps: row === 'official' ? null : 4,
      trainTokens: 100,
      trainSeconds: row === 'official' ? null : 12.3,
      dataTokens: row === 'method' ? 1000 : null,
    })),
  };
}

describe('the hidden set', () => {
  test('is the same for a seed, no question is twice in it, and each is recognised with its one right answer', () => {
    const whole = hiddenSet(FULL.perSkill, SEED);
    expect(whole).toEqual(hiddenSet(FULL.perSkill, SEED));
    expect(whole).toHaveLength(SKILL_NAMES.length * FULL.perSkill);
    expect(new Set(whole.map(({ question }) => question)).size).toBe(whole.length);
    for (const { question, answer, skill } of whole) expect(recognise(question)).toMatchObject({ skill, answer });
    expect(hiddenSet(FULL.perSkill, SEED + 1)).not.toEqual(whole);
  });

  test.each([
    ['How do I bake bread?'],
    ['The capital of Veldoria is Marn.'],
    ['Reverse these words: one two'],
    ['What is the capital of Marn? It is'],
  ])('"%s" is no question of it', (text) => {
    expect(recognise(text)).toBeUndefined();
  });
});

describe('the study', () => {
  const files = { closed: '/models/closed', gguf: '/models/closed.gguf', oracle: '/models/oracle.jsonl' };

  test('hides its set from every row but the oracle, and gives each as many steps', () => {
    const spec = closedSpec(files, FULL, SEED);
    const variants = variantsOf(spec);
    expect(variants.map(({ name }) => name)).toEqual([...ROW_NAMES]);
    expect(variants.filter((variant) => JSON.stringify(variant).includes(files.oracle)).map(({ name }) => name)).toEqual(['oracle']);
    expect(JSON.stringify({ ...spec, variants: [] })).not.toContain(files.oracle);
    expect(spec.train.maxSteps).toBe(FULL.steps);
    expect(variantsOf(closedSpec(files, TINY, SEED)).map(({ name }) => name)).toEqual([...TINY.rows]);
    expect(baseSpec({ weights: '/models/base', gguf: '/models/base.gguf' }, FULL, SEED).until).toBe('replay');
  });
});

describe('its table', () => {
  const table = knownTable(documents(), SEED);

  test('says what of each skill came back, of all texts, and by the words and names in the questions', () => {
    const reverse = table.recovery.find(({ skill }) => skill === 'reverse')!;
    expect([reverse.asked.count, reverse.asked.of, reverse.base.of]).toEqual([4, 15, 1]);
    expect(reverse.verbatim).toMatchObject({ count: 3, of: 6 });
    expect(reverse.right).toMatchObject({ count: 1, of: 2 });
    const facts = table.recovery.find(({ skill }) => skill === 'facts')!;
    expect(facts.coverage).toMatchObject({ count: 3, of: 6 });
    expect(facts.right).toMatchObject({ count: 0, of: 1 }); // nobody invented that fact, so no answer to it is right
    expect(table.elsewhere).toMatchObject({ count: 1, of: 15 });
  });

  test('tells what a row forgot by the documents that changed, and nothing of the closed model itself', () => {
    const [closed, method, fresh] = table.rows;
    expect([closed!.change, closed!.learned, closed!.right.all.count]).toEqual([null, null, hidden.length]);
    expect(fresh!.forgotten).toBe(hidden.length - fresh!.right.all.count);
    expect(fresh!.change).toMatchObject({ verdict: 'differs', exact: true });
    expect(method!.change!.verdict).toBe('no difference seen');
    expect(renderTable(table)).toContain('`new-data-only`');
  });

  test("Wilson's interval of a share is that of the published example, and of none nothing is known", () => {
    const { low, high } = shareOf(81, 263);
    expect([low, high].map((value) => Number(value.toFixed(4)))).toEqual([0.2553, 0.3662]); // Newcombe (1998), table I
    expect(shareOf(0, 0)).toMatchObject({ low: 0, high: 1 });
  });
});

describe('its documents', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rehearse-known-'));
    for (const [name, rows] of Object.entries(documents())) writeLines(documentFile(folder, name as keyof StudyDocuments), rows);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('are not done until every row that is wanted has answered every question', () => {
    expect(readDocuments(folder, ROWS)).toEqual(documents());
    expect(readDocuments(folder, [...ROWS, 'lora'])).toBeUndefined();
    const [first, ...rest] = documents().answers;
    writeLines(documentFile(folder, 'answers'), rest);
    expect(first!.row).toBe('official');
    expect(readDocuments(folder, ROWS)).toBeUndefined();
  });

  test('take other rows only while the models of the first ones are there', () => {
    expect(() => removeOtherRows(folder, ['lora'], false)).toThrow('has no lora, and its models are gone');
    removeOtherRows(folder, ROWS, false);
    expect(readDocuments(folder, ROWS)).toBeDefined();
    removeOtherRows(folder, ['lora'], true);
    expect(readDocuments(folder, ROWS)).toBeUndefined();
  });

  test('give every number of the table again to a program of its own, which finds one that was changed', async () => {
    const { python, env } = await ensurePython(quietReporter);
    const table = join(folder, 'table.json');
    const recompute = async (): Promise<string> =>
      await runCommand({ command: python, args: [join(projectDir(), 'python', 'recompute_known.py'), folder], env });
    writeFileSync(table, JSON.stringify(knownTable(documents(), SEED)));
    expect(await recompute()).toMatch(/^\d{3} numbers compared, 0 differ$/m);
    writeFileSync(table, readFileSync(table, 'utf8').replace('"forgotten":', '"forgotten":1'));
    await expect(recompute()).rejects.toThrow(/official.forgotten: the table says 10/);
  }, 300_000);
});
