import { cleanInstruction } from '../../method/instructions';
import { rolesOf, runOnAt } from '../../method/run-on';
import { resolveTemplate } from '../../method/templates';

const clean = (name: string, text: string): string | undefined => {
  const reading = cleanInstruction(text, 'stop', resolveTemplate(name));
  return 'text' in reading ? reading.text : undefined;
};

describe('a text that ran on into turns whose special tokens the server dropped', () => {
  // together-python#137, ollama#3759; the same of ChatML, Gemma and Phi-4 by their headers
  it.each([
    ['llama-3', 'What is the capital of Norway?assistant\n\nThe capital of Norway is Oslo.', 'What is the capital of Norway?'],
    ['llama-3', 'Tell me about Norwayassistant\n\nNorway is a country.', 'Tell me about Norway'],
    ['chatml', 'Name a fish.\nassistant\nCod.\nuser\nAnother.', 'Name a fish.'],
    ['gemma', 'Why is the sky blue?\nmodel\nBecause of Rayleigh.', 'Why is the sky blue?'],
    ['phi-4', 'Why?assistantBecause.', 'Why?'],
    ['granite-3', 'List three. (Short!)\nassistant\nOne.', 'List three. (Short!)'],
    ['granite-3', 'List three.\nassistantThe first is one.', 'List three.'],
  ])('of %s, %j, is cut where the other turn begins', (name, text, instruction) => {
    expect(clean(name, text)).toBe(instruction);
  });

  it('is empty when the other turn begins at once', () => {
    expect(cleanInstruction('assistant\n\nHello! How can I help?', 'stop', resolveTemplate('llama-3'))).toEqual({ rejected: 'empty' });
  });

  it.each([
    ['llama-3', 'Write a letter to my assistant\nwho is ill.'],
    ['llama-3', 'Roles are:\nsuperuser\nadmin\nuser manager\n'],
    ['chatml', 'Be my assistant.\nThanks.'],
    ['chatml', 'Explain this:\nassistantId = 3\nuserName = x\n'],
    ['chatml', 'What does "role: assistant" mean?'],
    ['gemma', 'Train a model\nwith this data, not a supermodel\nplease.'],
    ['chatml', 'Set path/to/user\nand example.user\n'],
    // the role's name stands in no header of a format whose headers are plain words or tokens alone
    ['deepseek-v3', 'Hi.\nassistant\nBye.'],
  ])('does not take words of %s for it: %j', (name, text) => {
    expect(clean(name, text)).toBe(text.trim());
  });
});

test('the roles of a format are those that stand beside its special tokens', () => {
  expect(rolesOf(['<|im_end|>\n<|im_start|>assistant\n<think>\n'], ['<|im_start|>', '<|im_end|>'])).toEqual(['assistant']);
  // GigaChat: a line break stands between its token and the role
  expect(rolesOf(['<|message_sep|>\n\nassistant<|role_sep|>\n'], ['<|message_sep|>', '<|role_sep|>'])).toEqual(['assistant']);
  expect(rolesOf(['\n\nAssistant:'], ['<s>'])).toEqual([]);
  expect(rolesOf(['<s>You are good.[INST]'], ['<s>', '[INST]'])).toEqual([]);
  expect(runOnAt('no', [])).toBeUndefined();
});
