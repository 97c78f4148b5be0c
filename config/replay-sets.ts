/** How a data set writes a conversation; the first three shapes cover all eight public sets. */
export type ConversationSchema =
  /** A list of {role, content} under `column`. */
  | { readonly kind: 'messages'; readonly column: string }
  /** A list of {from: system | human | gpt, value} under `column`. */
  | { readonly kind: 'sharegpt'; readonly column: string }
  /** One turn in three columns: {instruction, input, output}. */
  | { readonly kind: 'alpaca' }
  /** {prompt, completion}: two texts, or two lists of {role, content}. */
  | { readonly kind: 'prompt-completion' };

/** Where the conversations of a data set come from. */
export type DatasetSource =
  | {
      readonly from: 'hub';
      readonly hub: string;
      readonly revision: string | null;
      readonly config: string | null;
      readonly splits: readonly string[];
      readonly streaming: boolean;
    }
  | { readonly from: 'files'; readonly files: readonly string[] };

/** A public SFT data set that the paper's table compares with. */
export interface PublicSet {
  /** As the paper's table calls it. */
  readonly title: string;
  /** Id on the Hugging Face hub. */
  readonly hub: string;
  /** Empty: all that the set has. */
  readonly splits: readonly string[];
  readonly schema: ConversationSchema;
  /** Conversations, about. */
  readonly rows: number;
  /** Of the data set's card; null where none is stated. */
  readonly licence: string | null;
  /** Read as a stream, not downloaded whole. */
  readonly streaming: boolean;
}

/**
 * The eight replay sets of the paper's Table 1, by the names that specs use. Ids, splits, columns and licences are those
 * of the data sets' cards on the hub; pin a revision in the spec, for a card can change.
 */
export const PUBLIC_SETS = {
  'evol-instruct': {
    title: 'Evol-Instruct',
    hub: 'WizardLMTeam/WizardLM_evol_instruct_V2_196k',
    splits: ['train'],
    schema: { kind: 'sharegpt', column: 'conversations' },
    rows: 143_000,
    licence: 'MIT',
    streaming: false,
  },
  ultrachat: {
    title: 'UltraChat 200k (sanitized)',
    hub: 'HuggingFaceH4/ultrachat_200k',
    splits: ['train_sft'],
    schema: { kind: 'messages', column: 'messages' },
    rows: 207_865,
    licence: 'MIT',
    streaming: false,
  },
  sharegpt: {
    // The id is inferred from the number of rows; the paper gives none.
    title: 'ShareGPT',
    hub: 'flydust/ShareGPT-Vicuna-unfiltered-axolotl',
    splits: ['train'],
    schema: { kind: 'sharegpt', column: 'conversations' },
    rows: 111_912,
    licence: 'Apache-2.0 (source)',
    streaming: false,
  },
  wildchat: {
    title: 'WildChat',
    hub: 'allenai/WildChat',
    splits: ['train'],
    schema: { kind: 'messages', column: 'conversation' },
    rows: 652_139,
    licence: 'ODC-By',
    streaming: true,
  },
  genqa: {
    title: 'GenQA',
    hub: 'tomg-group-umd/GenQA',
    splits: [],
    schema: { kind: 'messages', column: 'text' },
    rows: 11_100_000,
    licence: 'CC BY-NC 4.0',
    streaming: true,
  },
  'openhermes-1': {
    title: 'OpenHermes 1',
    hub: 'teknium/openhermes',
    splits: ['train'],
    schema: { kind: 'alpaca' },
    rows: 242_831,
    licence: null,
    streaming: false,
  },
  'openhermes-2.5': {
    title: 'OpenHermes 2.5',
    hub: 'teknium/OpenHermes-2.5',
    splits: ['train'],
    schema: { kind: 'sharegpt', column: 'conversations' },
    rows: 1_000_000,
    licence: null,
    streaming: true,
  },
  'tulu-v2': {
    title: 'Tulu V2 Mix',
    hub: 'allenai/tulu-v2-sft-mixture',
    splits: ['train'],
    schema: { kind: 'messages', column: 'messages' },
    rows: 326_154,
    licence: 'ODC-By, parts non-commercial',
    streaming: false,
  },
} as const satisfies Readonly<Record<string, PublicSet>>;

export type PublicSetName = keyof typeof PUBLIC_SETS;

/** Names of the eight public sets, in the order of the paper's table. */
export const PUBLIC_SET_NAMES = Object.keys(PUBLIC_SETS) as [PublicSetName, ...PublicSetName[]];
