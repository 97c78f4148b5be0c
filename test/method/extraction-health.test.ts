import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { extractionHealth } from '../../method/extraction-health';
import { requestLikeness } from '../../method/request-likeness';
import { projectDir } from '../../services/local/paths';

type Turn = { readonly role: string; readonly content: string };

/** First turns of a role in the project's own conversations. */
function turns(file: string, column: string, role: string): string[] {
  return readFileSync(join(projectDir(), file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as Record<string, Turn[]>)[column]!.find((turn) => turn.role === role)!.content);
}

const FILES = [
  ['examples/study/ultrachat.jsonl', 'messages'],
  ['examples/study/wildchat.jsonl', 'conversation'],
  ['examples/demo/new-data.jsonl', 'messages'],
] as const;
const said = (role: string): string[] => FILES.flatMap(([file, column]) => turns(file, column, role));
const whole = (texts: readonly string[]): { text: string; finishReason: 'stop' }[] => texts.map((text) => ({ text, finishReason: 'stop' }));

describe('whether a text asks for anything', () => {
  test('is told of what users and assistants say in more than nine and eight of ten of the project’s conversations', () => {
    const judged = (role: string): string[] =>
      said(role)
        .map(requestLikeness)
        .filter((each) => each !== 'unknown');
    const [users, assistants] = [judged('user'), judged('assistant')];
    expect(users.length).toBeGreaterThan(90);
    expect(users.filter((each) => each === 'request').length / users.length).toBeGreaterThan(0.9);
    expect(assistants.filter((each) => each === 'no request').length / assistants.length).toBeGreaterThan(0.8);
  });

  test.each([
    ['Write a haiku about rain.', 'request'],
    ['what is 2+2', 'request'],
    ['どうして空は青いですか？', 'request'],
    ['¿Cómo se hace el pan?', 'request'],
    ['Schreib mir bitte eine kurze Absage an einen Bewerber', 'request'],
    ['I have a list of names and ages. I want to sort it by age in Python.', 'request'],
    ['You are a travel guide. I will write you my location.', 'request'],
    ['Sure! Here is a haiku about rain: drops on the window.', 'no request'],
    ['The capital of France is Paris, which lies on the Seine.', 'no request'],
    ['Here are three tips: 1. sleep well, 2. eat well, 3. is that all?', 'no request'],
    ['sql second highest salary', 'unknown'],
    ['Die Hauptstadt von Frankreich heißt Paris.', 'unknown'],
  ])('%s: %s', (text, expected) => {
    expect(requestLikeness(text)).toBe(expected);
  });
});

test('a model that writes answers where questions should be is told of, one that writes questions is not', () => {
  expect(extractionHealth(whole(said('user')), 0).warnings).toEqual([]);
  const { notRequests, warnings } = extractionHealth(whole(said('assistant')), 0);
  expect(notRequests.count / notRequests.of).toBeGreaterThan(0.8);
  expect(warnings).toEqual([
    expect.stringMatching(/^\d+ % of the extracted texts ask for nothing: the model seems to write answers/) as string,
  ]);
});

test('texts that did not end, kept or lost, are counted, and those whose end nobody knows are not', () => {
  const texts = [
    ...whole(said('user').slice(0, 10)),
    ...whole(said('user').slice(10, 15)).map((each) => ({ ...each, finishReason: 'length' as const })),
  ];
  const unknown = { text: 'What now?', finishReason: null };
  const health = extractionHealth([...texts, unknown], 20);
  expect(health.ended).toEqual({ count: 10, of: 35 });
  expect(health.warnings).toEqual([expect.stringMatching(/^only 29 % of the extracted texts ended by themselves: raise/) as string]);
});

test('repetitions are counted whatever their white space and case, and lower the chance of a new text', () => {
  const texts = Array.from({ length: 40 }, (_, index) => `Tell me  about ${index % 4 === 0 ? 'RAIN' : 'rain'} ${index % 5}`);
  const health = extractionHealth(whole(texts), 0);
  expect(health.repeated).toEqual({ count: 35, of: 40 });
  expect(health.texts.coverage).toBe(1);
  expect(health.warnings[0]).toMatch(/^88 % of the extracted texts repeat an earlier one/);
  expect(extractionHealth(whole(texts.slice(0, 10)), 0).warnings).toEqual([]); // ten texts say nothing
});

test('topics are counted by the words that texts share', () => {
  const topics = ['sourdough starter flour water', 'python list sorting error', 'garden tomato plant frost'];
  const texts = Array.from({ length: 30 }, (_, index) => `Question about ${topics[index % 3]!} number${index}`);
  const { topics: seen } = extractionHealth(whole(texts), 0);
  expect(seen).toMatchObject({ sample: 30, kinds: 3, coverage: 1 });
});
