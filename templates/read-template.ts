/** Where a chat template was read. */
export interface TemplateSource {
  readonly kind: 'directory' | 'gguf' | 'hub';
  /** The directory, the file, or the hub id. */
  readonly place: string;
  /** The file, or the field of a GGUF, that holds the template. */
  readonly file: string;
  /** Revision of the hub repository, where one is asked for. */
  readonly revision?: string;
}

/** A token that a tokenizer knows by its text, wherever that stands: those made for structure, and other added ones. */
export interface AddedToken {
  readonly text: string;
  /** Null where the files do not tell it. */
  readonly id: number | null;
  /** Left out of decoded text by `skip_special_tokens`. */
  readonly special: boolean;
}

/** What a model's tokenizer says of its chat format. */
export interface TokenizerFacts {
  readonly source: TemplateSource;
  /** Jinja, line ends as `\n`. */
  readonly chatTemplate: string;
  /** Variables of the template besides the messages: `bos_token`, `eos_token`, … */
  readonly variables: Readonly<Record<string, string>>;
  /** The tokenizer puts the BOS before a raw prompt by itself. */
  readonly addsBos: boolean;
  readonly tokens: readonly AddedToken[];
  /** Texts of the tokens at which the model ends its turn, from the tokenizer and from generation_config.json. */
  readonly ends: readonly string[];
  /** Sampling that servers take from generation_config.json where a request does not say otherwise. */
  readonly defaults: Readonly<Record<string, number>>;
}

/** A model's chat format as a run uses it: what the tokenizer says, and what follows from it. */
export interface ReadTemplate extends TokenizerFacts {
  /** What `strftime_now` gives, `YYYY-MM-DD`; absent where the template does not ask. */
  readonly date?: string;
  /** All that stands before a user's text in a conversation that begins with it: BOS, default system turn, header. */
  readonly preQuery: string;
  /** The part of `preQuery` between BOS and the user's header; absent where there is none. */
  readonly defaultSystem?: string;
  /** What follows the user's text, up to where the model's reply begins. */
  readonly generationPrompt: string;
  /** Stands between `generationPrompt` and a reply's text in a conversation, but is the model's to write; mostly nothing. */
  readonly gap: string;
  /** Texts that end a turn or begin another, the surest first. */
  readonly stop: readonly string[];
  /** Ids of those that are tokens. */
  readonly stopTokenIds: readonly number[];
  /** Where another turn begins in a text that ran on. */
  readonly headers: readonly string[];
  readonly identities: TemplateIdentities;
}

/** SHA-256 of what decides requests, and how their replies are read, for stage keys. */
export interface TemplateIdentities {
  /** Of an extraction. */
  readonly extraction: string;
  /** Of a conversation as one raw prompt. */
  readonly conversation: string;
  /** Of texts that are sent as messages: which of their parts must not become tokens. */
  readonly text: string;
}
