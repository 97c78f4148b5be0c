import { z } from 'zod';
import type { AddedToken, TemplateSource, TokenizerFacts } from '../../templates/read-template';
import { TemplateNotReadError } from './template-error';

/** Gives the text of a file of a model by its name there; undefined where there is none. */
export type ModelFiles = (name: string) => Promise<string | undefined>;

const text = z
  .union([z.string(), z.looseObject({ content: z.string() })])
  .transform((token) => (typeof token === 'string' ? token : token.content));
const texts = z.union([z.array(text), z.record(z.string(), text).transform((named) => Object.values(named))]);

/** special_tokens_map.json. */
const specialTokensSchema = z.looseObject({
  bos_token: text.nullish(),
  eos_token: text.nullish(),
  unk_token: text.nullish(),
  pad_token: text.nullish(),
  sep_token: text.nullish(),
  cls_token: text.nullish(),
  mask_token: text.nullish(),
  additional_special_tokens: texts.nullish(),
  extra_special_tokens: texts.nullish(),
});

/** added_tokens.json: ids by text. */
const addedTokensSchema = z.record(z.string(), z.int());

/** tokenizer_config.json, as far as it is needed; whatever else is in it. */
const configSchema = specialTokensSchema.extend({
  chat_template: z.union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))]).nullish(),
  tokenizer_class: z.string().nullish(),
  add_bos_token: z.boolean().nullish(),
  added_tokens_decoder: z.record(z.string(), z.looseObject({ content: z.string(), special: z.boolean().default(false) })).nullish(),
});

const pieceSchema = z.looseObject({ SpecialToken: z.looseObject({ id: z.string() }).optional() });
const processorSchema = z.looseObject({
  type: z.string(),
  single: z.array(pieceSchema).optional(),
  processors: z.array(z.looseObject({ type: z.string(), single: z.array(pieceSchema).optional() })).optional(),
});

/** tokenizer.json of the tokenizers library. */
const tokenizerSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string(), special: z.boolean().default(false) })).nullish(),
  post_processor: processorSchema.nullish(),
});

const generationSchema = z.looseObject({ eos_token_id: z.union([z.int(), z.array(z.int())]).nullish() });
const processorFileSchema = z.looseObject({ chat_template: z.string().nullish() });

/** Fields of generation_config.json that servers take where a request says nothing. */
const SAMPLING_DEFAULTS = ['temperature', 'top_p', 'top_k', 'min_p', 'repetition_penalty'] as const;
const VARIABLES = ['bos_token', 'eos_token', 'unk_token', 'pad_token', 'sep_token', 'cls_token', 'mask_token'] as const;
/** Tokenizers of these classes add a BOS where their configuration does not say. */
const ADDS_BOS = /^(Code)?(Llama|Gemma|Cohere)\w*Tokenizer/;

/**
 * Reads a model's chat template and tokenizer from the files that stand beside its weights.
 * @throws TemplateNotReadError when there is no chat template, or a file is not what its name says
 */
export async function factsOfFiles(files: ModelFiles, source: Omit<TemplateSource, 'file'>): Promise<TokenizerFacts> {
  const place = source.place;
  const config = await readConfig(files, place);
  const found = await findTemplate(files, config, place);
  const tokenizer = await readJson(files, 'tokenizer.json', tokenizerSchema, place);
  const generation = await readJson(files, 'generation_config.json', generationSchema, place);
  const variables = Object.fromEntries(VARIABLES.flatMap((name) => (config[name] == null ? [] : [[name, config[name]]])));
  const tokens = tokensOf(config, tokenizer, Object.values(variables));
  const texts = new Map(tokens.map(({ id, text: own }) => [id, own]));
  const eos = [generation.eos_token_id ?? []].flat().flatMap((id) => texts.get(id) ?? []);
  return {
    source: { ...source, file: found.file },
    chatTemplate: found.text.replace(/\r\n?/g, '\n'),
    variables,
    addsBos: addsBos(config, tokenizer),
    tokens,
    ends: [...new Set([...(variables['eos_token'] === undefined ? [] : [variables['eos_token']]), ...eos])],
    defaults: Object.fromEntries(
      SAMPLING_DEFAULTS.flatMap((name) => (typeof generation[name] === 'number' ? [[name, generation[name]] as const] : [])),
    ),
  };
}

/**
 * Older repositories, many of which have a SentencePiece model alone, keep special and added tokens in files of their own. As transformers
 * does, these are read where the configuration does not hold all added tokens, and special tokens there go before those of the configuration.
 */
async function readConfig(files: ModelFiles, place: string): Promise<z.infer<typeof configSchema>> {
  const config = await readJson(files, 'tokenizer_config.json', configSchema, place);
  if (config.added_tokens_decoder != null) return config;
  const special = await readJson(files, 'special_tokens_map.json', specialTokensSchema, place);
  const added = await readJson(files, 'added_tokens.json', addedTokensSchema, place);
  const tokens = Object.entries(added).map(([content, id]) => [id, { content, special: false }] as const);
  return { ...config, ...special, ...(tokens.length === 0 ? {} : { added_tokens_decoder: Object.fromEntries(tokens) }) };
}

/** As transformers looks: a file of its own goes before the configuration; of several named ones the default. */
async function findTemplate(
  files: ModelFiles,
  { chat_template: inConfig }: z.infer<typeof configSchema>,
  place: string,
): Promise<{ readonly text: string; readonly file: string }> {
  const own = await files('chat_template.jinja');
  if (own !== undefined) return { text: own, file: 'chat_template.jinja' };
  const processor = await readJson(files, 'chat_template.json', processorFileSchema, place);
  if (processor.chat_template != null) return { text: processor.chat_template, file: 'chat_template.json' };
  const named = Array.isArray(inConfig) ? inConfig.find(({ name }) => name === 'default')?.template : inConfig;
  if (named != null && named !== '') return { text: named, file: 'tokenizer_config.json' };
  const others = Array.isArray(inConfig) ? `, only ones named ${inConfig.map(({ name }) => name).join(', ')}` : '';
  throw new TemplateNotReadError(`${place} has no chat template (chat_template.jinja, or in tokenizer_config.json)${others}`, false);
}

function tokensOf(
  config: z.infer<typeof configSchema>,
  tokenizer: z.infer<typeof tokenizerSchema>,
  variables: readonly string[],
): AddedToken[] {
  const tokens = new Map<string, AddedToken>();
  const add = (own: string, id: number | null, special: boolean): void => {
    const known = tokens.get(own);
    if (own !== '') tokens.set(own, { text: own, id: id ?? known?.id ?? null, special: special || known?.special === true });
  };
  for (const { id, content, special } of tokenizer.added_tokens ?? []) add(content, id, special);
  for (const [id, { content, special }] of Object.entries(config.added_tokens_decoder ?? {})) add(content, Number(id), special);
  const named = [...variables, ...(config.additional_special_tokens ?? []), ...(config.extra_special_tokens ?? [])];
  for (const own of named) add(own, null, true);
  return [...tokens.values()];
}

function addsBos(config: z.infer<typeof configSchema>, tokenizer: z.infer<typeof tokenizerSchema>): boolean {
  if (config.bos_token == null) return false;
  if (config.add_bos_token != null) return config.add_bos_token;
  const processor = tokenizer.post_processor;
  if (processor != null) {
    return [processor, ...(processor.processors ?? [])].some(({ single }) => single?.[0]?.SpecialToken?.id === config.bos_token);
  }
  return ADDS_BOS.test(config.tokenizer_class ?? '');
}

async function readJson<T extends z.ZodType>(files: ModelFiles, name: string, schema: T, place: string): Promise<z.infer<T>> {
  const raw = await files(name);
  try {
    return schema.parse(raw === undefined ? {} : JSON.parse(raw));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause).replace(/\s+/g, ' ') : String(cause);
    throw new TemplateNotReadError(`${name} of ${place} cannot be read (${why.slice(0, 300)})`, false, { cause });
  }
}
