import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkSpec } from '../../cli/doctor/check-spec';
import { planText } from '../../cli/plan-text';
import { templateLine, templateNotes } from '../../cli/template-notes';
import { parseSpec } from '../../config/load-spec';
import type { RunSpecInput } from '../../config/spec';
import { planCost } from '../../planning/cost-plan';
import { checkSpecFiles } from '../../services/runs/spec-files';
import { validSpec } from '../config/valid-spec';
import { LLAMA32, QWEN25 } from '../support/model-descriptions';
import { tokenizerFiles, writeFiles } from '../support/model-files';
import { useTempFolder } from '../support/temp-folder';

const temp = useTempFolder();
const ENV = { OTHER_API_KEY: 'k', HF_HUB_OFFLINE: '1' };
const ROW = {
  messages: [
    { role: 'user', content: 'Why?' },
    { role: 'assistant', content: 'So.' },
  ],
};

/** A spec whose target has weights here and no template. */
function specOf(change: (spec: RunSpecInput) => void = () => undefined): RunSpecInput {
  const newData = join(temp(), 'new.jsonl');
  writeFileSync(newData, `${JSON.stringify(ROW)}\n`);
  const spec = validSpec();
  delete spec.models['target']!.template;
  spec.target = { model: 'target', weights: writeFiles(join(temp(), 'weights'), tokenizerFiles(QWEN25)) };
  spec.mix = { newData };
  change(spec);
  return spec;
}

test('plan says which chat format each model has, where it came from, and what stands before an instruction', async () => {
  const spec = parseSpec(
    specOf(({ models }) => {
      models['other']!.tokenizer = writeFiles(join(temp(), 'llama'), tokenizerFiles(LLAMA32));
      models['named'] = { baseURL: 'http://h/v1', model: 'm', template: 'llama-3-paper' };
      models['chat'] = { baseURL: 'http://h/v1', model: 'c' };
    }),
  );
  const { templates, errors } = await checkSpecFiles(spec, { env: ENV, reading: { date: '2026-11-28' } });
  expect(errors).toEqual([]);
  const notes = templateNotes(spec, { templates });
  expect(notes.map(({ model }) => model)).toEqual(['target', 'other', 'named']);
  expect(notes[0]).toMatchObject({
    from: `chat_template.jinja of ${spec.target.weights}`,
    stop: ['<|im_end|>', '<|endoftext|>', '<|im_start|>'],
  });
  const text = planText(spec, planCost(spec), notes);
  expect(text).toContain(
    `target  chat_template.jinja of ${spec.target.weights}; before an instruction stands "<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\\n<|im_start|>user\\n"`,
  );
  expect(text).toMatch(/other +chat_template\.jinja of \S+, told that it is 2026-11-28; before an instruction stands "<\|begin_of_text\|>/);
  expect(text).toContain(
    'named   llama-3-paper, named in the spec; before an instruction stands "<|start_header_id|>user<|end_header_id|>"',
  );
});

test('where it cannot be reached plan says who reads it, and a start is not kept from', async () => {
  const spec = parseSpec(specOf((input) => (input.target = { model: 'target', weights: 'org/target-7b', revision: 'abc' })));
  const { templates, errors, unreached } = await checkSpecFiles(spec, { env: { ...ENV, HF_HOME: temp() } });
  expect(errors).toEqual([]);
  expect(unreached).toEqual([
    expect.stringMatching(/^models\.target\.template: its own chat template was not read: org\/target-7b is not in the cache/),
  ]);
  expect(templateNotes(spec, { templates }).map(templateLine)).toEqual(['not read here; the cpu worker that starts the run reads it']);
});

test('doctor says it too', async () => {
  const file = join(temp(), 'spec.json');
  writeFileSync(file, JSON.stringify(specOf((input) => (input.models['other'] = { ...input.models['target']!, model: 'other' }))));
  const { findings } = await checkSpec(file, ENV);
  expect(findings).toContainEqual({
    check: 'template target',
    state: 'ok',
    message: expect.stringMatching(/^chat_template\.jinja of \S+weights; before an instruction stands "<\|im_start\|>system/),
  });
});

test('a judge that gets raw prompts is planned with two calls a judgment, however its format is known', () => {
  const requests = (change: (spec: RunSpecInput) => void): number =>
    planCost(
      parseSpec(
        specOf((input) => {
          input.synthesis.judge = { judges: ['target', 'other'], scoring: 'expected' };
          change(input);
        }),
      ),
    ).stages.find(({ stage, model }) => stage === 'judge' && model === 'other')!.requests;
  const chat = requests(() => undefined);
  expect(requests(({ models }) => (models['other']!.template = 'chatml'))).toBe(2 * chat);
  expect(requests(({ models }) => (models['other']!.tokenizer = 'org/other'))).toBe(2 * chat);
});
