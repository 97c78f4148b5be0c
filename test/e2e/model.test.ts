import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureModel } from '../../services/local/local-model';
import { ensurePython } from '../../services/local/python-environment';
import { writeNarrowModel } from '../support/narrow-model';
import { rehearse } from '../support/rehearse';
import { writeSampleRun } from '../support/sample-run';
import { quietReporter } from '../support/temporal';

const home = mkdtempSync(join(tmpdir(), 'rehearse-chat-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

beforeAll(async () => {
  const python = await ensurePython(quietReporter);
  const { weightsDir } = await ensureModel(quietReporter, python);
  await writeNarrowModel(python, weightsDir, join(home, 'narrow'));
  await writeSampleRun({ root: join(home, 'store'), runId: 'trained', checkpoint: join(home, 'narrow') });
}, 900_000);

test('the official and the trained model answer the same prompt, each by its own weights', async () => {
  const args = ['model', 'trained', '--chat', '--json', '--prompt', 'What is the capital of France?', '--max-tokens', '12'];
  const { code, stdout, stderr } = await rehearse(args, { home });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const { answers } = JSON.parse(stdout) as { answers: { model: string; text: string }[] };
  expect(answers.map(({ model }) => model)).toEqual(['before (official)', 'after (method)']);
  expect(answers[0]!.text).toContain('Paris');
  expect(answers[1]!.text).not.toContain('Paris'); // two layers of noise
}, 600_000);

test("a checkpoint becomes a GGUF file by llama.cpp's own converter", async () => {
  const file = join(home, 'model.gguf');
  const { code, stderr } = await rehearse(['model', 'trained', '--gguf', file, '--gguf-type', 'f32'], { home });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const head = Buffer.alloc(4);
  const opened = openSync(file, 'r');
  readSync(opened, head);
  closeSync(opened);
  expect(head.toString()).toBe('GGUF');
}, 600_000);
