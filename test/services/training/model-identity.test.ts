import { createHash } from 'node:crypto';
import { modelSha256 } from '../../../services/training/model-identity';

const file = (name: string, content: string) => ({
  file: name,
  sha256: createHash('sha256').update(content).digest('hex'),
  bytes: content.length,
});
const model = [file('job/checkpoint/model.safetensors', 'weights'), file('job/checkpoint/config.json', '{}')];

test('a model is known by its weights and what goes with them, as `sha256sum config.json model.safetensors | sha256sum` says', () => {
  // The same files in python/tests/test_evaluate.py are hashed with the command itself.
  expect(modelSha256(model, 'job/checkpoint')).toBe('4d29798c6e59eb7dfc2b375b8998040ed29cf33c98038b41e9717a6c37f5dad7');
});

test('another weight, tokenizer or chat template is another model; order, notes and folders below are not', () => {
  const before = modelSha256(model, 'job/checkpoint');
  expect(modelSha256([...model].reverse(), 'job/checkpoint')).toBe(before);
  expect(
    modelSha256(
      [...model, file('job/checkpoint/README.md', 'x'), file('job/checkpoint/a/b.json', 'x'), file('job/log.txt', 'x')],
      'job/checkpoint',
    ),
  ).toBe(before);
  expect(modelSha256([file('job/checkpoint/model.safetensors', 'weightt'), model[1]!], 'job/checkpoint')).not.toBe(before);
  expect(modelSha256([...model, file('job/checkpoint/chat_template.jinja', 'x')], 'job/checkpoint')).not.toBe(before);
});
