import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { z } from 'zod';
import type { ContenderFigures } from '../../bench/contender-run';
import { contenders } from '../../bench/contenders';
import { LEADERBOARD_TASKS, TASK_SPLITS } from '../../config/evaluation-splits';
import { schemaAt } from '../../config/json-schema';
import { PUBLIC_SETS } from '../../config/replay-sets';
import { chanceOf, type LeaderboardTask } from '../../method/forgetting';
import type { Conversation } from '../../method/records';
import { writeConversations } from '../../services/data/conversations';
import { evaluationIdentity } from '../../services/data/evaluation-identity';
import { evaluationRowProblem, isMeasured } from '../../services/data/evaluation-rows';
import { readLocalDocuments } from '../../services/data/local-documents';
import { projectDir } from '../../services/local/paths';
import { PYTHON_COMMANDS, type PythonCommand } from '../../services/python/python-commands';
import {
  conversationLossSchema,
  documentSchema,
  drawnConversationSchema,
  EVENT_SCHEMAS,
  pythonEventSchema,
  rawRowSchema,
  RETRYABLE_KINDS,
  taskResultSchema,
  TASKS_FOLDER,
  TASKS_PHASE,
} from '../../services/python/python-protocol';
import { LocalArtifactStore } from '../../services/store/artifact-store';
import { CHECKPOINT_FOLDER } from '../../services/store/stage-files';
import { Workspace } from '../../services/store/workspace';
import { CONTENT_EXTENSIONS, modelSha256 } from '../../services/training/model-identity';
import { TrainingCheckpoints } from '../../services/training/training-checkpoints';
import { heldOutLossSchema, PYTHON_PROTOCOL } from '../../stages/python-results';
import { quietReporter } from '../support/temporal';
import { describePython, type PythonSide } from './python-side';
import { schemaDifferences, widerLimits, type JsonSchema } from './schema-differences';

const OUTPUT = 'stages/train/key/all';
const CONVERSATIONS: readonly Conversation[] = [
  {
    id: 'a',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'One line?' },
      { role: 'assistant', content: 'Two:\u2028 see?' },
    ],
  },
  {
    id: 'b',
    messages: [
      { role: 'user', content: 'And' },
      { role: 'assistant', content: 'so on and' },
    ],
    cut: true,
  },
];

/** Files as a model has them, and some that are no part of it. */
const MODEL_FILES = [...CONTENT_EXTENSIONS.map((extension) => `a.${extension}`), 'a.bin', 'README.md', '.hidden.json'];

let root: string;
let python: PythonSide;

const job = (machine: string): string => join(root, machine, OUTPUT, 'job');

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'rehearse-ties-'));
  const model = join(root, 'model');
  mkdirSync(model);
  for (const name of MODEL_FILES) {
    writeFileSync(join(model, name), name);
  }
  const prompts = join(root, 'prompts.jsonl');
  writeFileSync(prompts, '"one prompt"\n');
  const peer = contenders(quietReporter).find(({ name }) => name.includes('with its checkpoint'));
  python = await describePython(root, {
    folder: job('a'),
    conversations: await writeConversations(join(root, 'conversations.jsonl'), CONVERSATIONS),
    weights: model,
    peer: peer?.args({ url: 'http://host', inFlight: 3, load: { folder: root, prompts: 1 }, out: join(root, 'peer') }) ?? [],
  });
}, 900_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

test('a spec is checked without the libraries of training and evaluation', () => {
  expect(python.heavy).toEqual([]);
});

describe('the protocol of Python jobs', () => {
  const commands = Object.keys(PYTHON_COMMANDS) as PythonCommand[];
  const schemaOf = (schema: z.ZodType): JsonSchema => z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;

  test('is of one version, and knows the same commands and kinds of error', () => {
    expect(python.protocol).toBe(PYTHON_PROTOCOL);
    expect(Object.keys(python.specs).sort()).toEqual([...commands].sort());
    expect([...python.errorKinds].sort()).toEqual(Object.keys(RETRYABLE_KINDS).sort());
  });

  test('has the same events with the same fields', () => {
    const types = EVENT_SCHEMAS.map(({ shape }) => shape.type.value);
    expect([...types].sort()).toEqual(python.eventTypes);
    expect(python.events.map(({ type }) => type)).toEqual(types);
    for (const [index, event] of python.events.entries()) {
      expect(Object.keys(event).sort()).toEqual(Object.keys(EVENT_SCHEMAS[index]!.shape).sort());
      expect(pythonEventSchema.parse(event)).toEqual(event);
    }
  });

  test.each(commands)('takes every field of the spec of %s, and is given what it needs', (command) => {
    const written = PYTHON_COMMANDS[command].spec.extend({ protocol: z.literal(PYTHON_PROTOCOL) });
    expect(schemaDifferences(schemaOf(written), python.specs[command]!)).toEqual([]);
  });

  test.each([
    ['sft', 'train'],
    ['evaluate', 'evaluate'],
  ])('takes every number for %s that a run spec may give', (command, section) => {
    expect(widerLimits(schemaAt([section])!, python.specs[command]!)).toEqual([]);
    expect(widerLimits({ type: 'object', properties: { seed: schemaAt(['seed'])! } }, python.specs[command]!)).toEqual([]);
  });

  test.each([
    ...commands.map((command) => [`${command[0]!.toUpperCase()}${command.slice(1)}Result`, PYTHON_COMMANDS[command].result] as const),
    ['TaskResult', taskResultSchema] as const,
    ['HeldOutLoss', heldOutLossSchema] as const,
    ['ConversationLoss', conversationLossSchema] as const,
    ['Document', documentSchema] as const,
    ['DrawnConversation', drawnConversationSchema] as const,
    ['RawRow', rawRowSchema] as const,
  ])('writes %s as it is read', (name, schema) => {
    expect(schemaDifferences(python.results[name]!, schemaOf(schema))).toEqual([]);
  });

  test('names the phase and the folders that are looked for', () => {
    expect(TASKS_PHASE).toBe(python.tasksPhase);
    expect(TASKS_FOLDER).toBe(python.layout['TASKS_FOLDER']);
    expect(CHECKPOINT_FOLDER).toBe(`job/${python.layout['CHECKPOINT_FOLDER']}`);
  });

  test('reads conversations as they are written, cut ones too', () => {
    expect(python.conversations).toEqual(CONVERSATIONS.map((each) => ({ cut: false, ...each })));
  });
});

test('a checkpoint that Python has written is carried to where Python looks for it on another machine', async () => {
  const log = { info: () => undefined, warn: () => undefined };
  const store = new LocalArtifactStore({ root: join(root, 'store') });
  const on = (machine: string): TrainingCheckpoints =>
    new TrainingCheckpoints({ store, workspace: new Workspace({ root: join(root, machine), isStore: false }), log }, OUTPUT);
  await on('a').put(python.checkpoint, new AbortController().signal);
  expect(await on('b').fetchNewer()).toBe(4);
  const { IDENTITY_FILE = '', RESULT_FILE = '', COMPLETE_MARKER = '' } = python.layout;
  const place = relative(job('a'), python.checkpoint);
  for (const file of [IDENTITY_FILE, join(place, 'model.safetensors'), join(place, COMPLETE_MARKER)]) {
    expect(JSON.stringify(readFileSync(join(job('b'), file), 'utf8').trim())).toBe(
      JSON.stringify(readFileSync(join(job('a'), file), 'utf8').trim()),
    );
  }
  // Where a training is done, no checkpoint of it is fetched.
  rmSync(join(job('b'), place), { recursive: true });
  expect(existsSync(join(job('a'), RESULT_FILE))).toBe(true);
  writeFileSync(join(job('b'), RESULT_FILE), '{}');
  expect(await on('b').fetchNewer()).toBeUndefined();
});

test('a model is the same by its content on both sides', () => {
  expect([...python.contentFiles].sort()).toEqual(CONTENT_EXTENSIONS.map((extension) => `*.${extension}`).sort());
  const files = MODEL_FILES.map((name) => ({
    file: `model/${name}`,
    sha256: createHash('sha256').update(name).digest('hex'),
    bytes: name.length,
  }));
  expect(modelSha256(files, 'model')).toBe(python.contentSha256);
});

describe("the leaderboard's tasks", () => {
  /** A row of each task with the columns that are needed and the one that names it; each value tells its column. */
  const ROWS: Readonly<Record<LeaderboardTask, Readonly<Record<string, unknown>>>> = {
    mmlu_pro: { question_id: 70, question: 'question', options: ['x', 'y'], answer: 'B' },
    gpqa: {
      'Record ID': 'rec7',
      Question: 'Question',
      'Correct Answer': 'x',
      'Incorrect Answer 1': 'y',
      'Incorrect Answer 2': 'z',
      'Incorrect Answer 3': 'w',
    },
    ifeval: { key: 1000, prompt: 'prompt', instruction_id_list: ['punctuation:no_comma'], kwargs: [{}] },
    math_level_5: { problem: 'problem', level: 'Level 5', type: 'Algebra', solution: 'x' },
  };

  test('are the same by name, with the same splits and the same score of guessing', () => {
    expect(Object.keys(python.leaderboard)).toEqual(LEADERBOARD_TASKS);
    expect(python.taskNames).toEqual(LEADERBOARD_TASKS);
    for (const task of LEADERBOARD_TASKS) {
      const { evaluatedSplit, fewshotSplit, randomBaseline } = python.leaderboard[task]!;
      expect({ test: evaluatedSplit, ...(fewshotSplit === null ? {} : { fewshot: fewshotSplit }) }).toEqual(TASK_SPLITS[task]);
      expect([randomBaseline, python.recomputeChance[task]]).toEqual([chanceOf(task), chanceOf(task)]);
    }
    expect(Object.keys(python.recomputeChance)).toEqual(LEADERBOARD_TASKS);
  });

  test.each(LEADERBOARD_TASKS)('%s: local rows need the same columns, and the same one holds the question', async (task) => {
    const { columns, question, documentName, evaluatedSplit } = python.leaderboard[task]!;
    const row = ROWS[task];
    expect(evaluationRowProblem(task, Object.fromEntries(Object.keys(columns).map((column) => [column, row[column]])))).toBeNull();
    for (const [column, types] of Object.entries(columns)) {
      const taken = [row[column], 'text', 7, ['text'], { key: 'text' }, true].filter(
        (value) => evaluationRowProblem(task, { ...row, [column]: value }) === null,
      );
      expect(types).toEqual(expect.arrayContaining(taken.map((value) => typeof value)));
      expect(evaluationRowProblem(task, Object.fromEntries(Object.entries(row).filter(([name]) => name !== column)))).not.toBeNull();
    }
    const file = join(root, `${task}.jsonl`);
    writeFileSync(file, `${JSON.stringify(row)}\n`);
    const data = { [evaluatedSplit]: file };
    expect(await readLocalDocuments({ task, data }, await evaluationIdentity({ data }))).toEqual([
      { task, text: row[question], id: documentName === null ? `${evaluatedSplit}:1` : String(row[documentName]) },
    ]);
  });

  test('of MATH, the same level is measured', () => {
    const levels = [1, 2, 3, 4, 5].map((level) => `Level ${level}`);
    expect(levels.filter((level) => isMeasured('math_level_5', { level }))).toEqual([python.hardest]);
  });
});

test('the public sets are read by the schemas with which their rows are tested', () => {
  const tested: unknown = JSON.parse(readFileSync(join(projectDir(), 'python', 'tests', 'data', 'schemas.json'), 'utf8'));
  expect(tested).toEqual(Object.fromEntries(Object.entries(PUBLIC_SETS).map(([name, { schema }]) => [name, schema])));
});

test("the benchmark's drivers understand their command line, and their figures are understood", () => {
  const figures: Readonly<Record<keyof ContenderFigures, unknown>> = { cpuSeconds: expect.any(Number), peakRssBytes: expect.any(Number) };
  expect(python.peer.figures).toEqual(figures);
  expect(python.peer.job).toMatchObject({
    url: 'http://host/v1',
    prompts: ['one prompt'],
    in_flight: 3,
    out: join(root, 'peer'),
    checkpoint: true,
  });
});
