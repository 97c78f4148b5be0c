import { z } from 'zod';
import type { AddedToken, TokenizerFacts } from '../../templates/read-template';
import { TemplateNotReadError } from './template-error';

const id = z.number().int().min(0);

/** Metadata of a GGUF file, as far as it is needed. Names: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
const metadataSchema = z.looseObject({
  'tokenizer.chat_template': z.string().optional(),
  'tokenizer.ggml.model': z.string().optional(),
  'tokenizer.ggml.pre': z.string().optional(),
  'tokenizer.ggml.tokens': z.array(z.string()).default([]),
  'tokenizer.ggml.token_type': z.array(z.number()).default([]),
  'tokenizer.ggml.add_bos_token': z.boolean().optional(),
  'tokenizer.ggml.bos_token_id': id.optional(),
  'tokenizer.ggml.eos_token_id': id.optional(),
  'tokenizer.ggml.eot_token_id': id.optional(),
  'tokenizer.ggml.eom_token_id': id.optional(),
  'tokenizer.ggml.unknown_token_id': id.optional(),
  'tokenizer.ggml.padding_token_id': id.optional(),
});

/** llama.cpp's types of tokens that are matched by their text. */
const CONTROL = 3;
const USER_DEFINED = 4;

/**
 * Reads a model's chat template and tokenizer from the head of a GGUF file.
 * @throws TemplateNotReadError when it is no GGUF file, or holds no chat template
 */
export async function factsOfGguf(path: string): Promise<TokenizerFacts> {
  const { gguf } = await import('@huggingface/gguf');
  let metadata: z.infer<typeof metadataSchema>;
  try {
    metadata = metadataSchema.parse((await gguf(path, { allowLocalFile: true })).metadata);
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : String((cause as Error | undefined)?.message ?? cause);
    throw new TemplateNotReadError(`${path} cannot be read as a GGUF file (${why.replace(/\s+/g, ' ').slice(0, 300)})`, false, { cause });
  }
  const chatTemplate = metadata['tokenizer.chat_template'];
  if (chatTemplate === undefined || chatTemplate === '') {
    throw new TemplateNotReadError(`${path} has no chat template (tokenizer.chat_template)`, false);
  }
  const texts = metadata['tokenizer.ggml.tokens'];
  const types = metadata['tokenizer.ggml.token_type'];
  const textOf = (name: 'bos' | 'eos' | 'eot' | 'eom' | 'unknown' | 'padding'): string | undefined => {
    const found = metadata[`tokenizer.ggml.${name}_token_id`];
    return found === undefined ? undefined : texts[found];
  };
  const tokens = types.flatMap((type, index): AddedToken[] =>
    type === CONTROL || type === USER_DEFINED ? [{ text: texts[index] ?? '', id: index, special: type === CONTROL }] : [],
  );
  const variables = Object.entries({
    bos_token: textOf('bos'),
    eos_token: textOf('eos'),
    unk_token: textOf('unknown'),
    pad_token: textOf('padding'),
  });
  return {
    source: { kind: 'gguf', place: path, file: 'tokenizer.chat_template' },
    chatTemplate: chatTemplate.replace(/\r\n?/g, '\n'),
    variables: Object.fromEntries(variables.filter((entry): entry is [string, string] => entry[1] !== undefined)),
    addsBos: textOf('bos') !== undefined && (metadata['tokenizer.ggml.add_bos_token'] ?? addsByDefault(metadata)),
    tokens: tokens.filter(({ text }) => text !== ''),
    ends: [...new Set([textOf('eos'), textOf('eot'), textOf('eom')])].filter((text) => text !== undefined),
    defaults: {},
  };
}

/** As llama.cpp does where the file does not say: SentencePiece and Llama 3's BPE add one. */
function addsByDefault(metadata: z.infer<typeof metadataSchema>): boolean {
  return metadata['tokenizer.ggml.model'] === 'llama' || ['llama3', 'llama-v3', 'llama-bpe'].includes(metadata['tokenizer.ggml.pre'] ?? '');
}
