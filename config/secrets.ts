/** Characters of tokens, in their usual alphabets. */
const TAIL = '[A-Za-z0-9_-]';

/** What keys and tokens of the usual services begin with, and how long they are at least after it. Nothing of a word may stand before. */
const KNOWN = new RegExp(
  `(?<![A-Za-z0-9])(${[
    `sk[-_](?=${TAIL}*[0-9])${TAIL}{12,}`, // OpenAI, Anthropic, OpenRouter, DeepSeek, Stripe
    `(hf|gsk|r8|fw|npm|tgp_v1|dop_v1|pk_live|rk_live)_[A-Za-z0-9]{16,}`, // Hugging Face, Groq, Replicate, Fireworks, Together, Stripe
    `(xai|pplx|nvapi|csk|glpat)-(?=${TAIL}*[0-9])${TAIL}{16,}`, // xAI, Perplexity, NVIDIA, Cerebras, GitLab
    `gh[pousr]_[A-Za-z0-9]{16,}`,
    `github_pat_${TAIL}{16,}`,
    `xox[abeprs]-${TAIL}{10,}`,
    `(AKIA|ASIA)[A-Z0-9]{12,}`,
    `AIza${TAIL}{24,}`,
    `ya29\\.${TAIL}{16,}`,
    `eyJ${TAIL}{10,}\\.${TAIL}{10,}`,
    `(Bearer|Basic) (?=[A-Za-z0-9._~+/-]*[0-9])[A-Za-z0-9._~+/-]{12,}`,
  ].join('|')})|-----BEGIN [A-Z ]*PRIVATE KEY-----`,
);

/** A whole text, of one word, that begins so is a key, however short its rest. */
const WHOLE =
  /^(sk-|sk_|pk_|rk_|hf_|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|AKIA|ASIA|AIza|ya29\.|gsk_|nvapi-|xai-|pplx-|r8_|eyJ[A-Za-z0-9_-]{10}|Bearer\s+|Basic\s+)\S*$/;

/** `--api-key=…`, `api_key: …`: what follows is a key, whatever it looks like. */
const NAMED =
  /(?:api[-_ ]?key|secret(?:[-_ ]access)?(?:[-_ ]key)?|passw(?:or)?d|(?:access|account|subscription|auth|hf|bearer)[-_ ](?:token|key))["']?\s*[=:]\s*["']?([^\s"'&,;]{8,})/i;
/** The same behind a word that can mean other things: only what is as long as a key. */
const NAMED_LONG = /\b(?:key|token)["']?\s*[=:]\s*["']?([^\s"'&,;]{16,})/i;
/** Fields that are named after a secret; `eos_token` and its like are none. */
const SECRET_FIELD = /(?:api[-_]?key|secret|passw(?:or)?d|(?:access|auth|bearer)[-_]?token|subscription[-_]?key)$/i;
/** `scheme://user:password@host`. */
const CREDENTIALS = /[a-z][a-z0-9+.-]*:\/\/[^\s/@:$]*:[^\s/@$]{4,}@/i;

/** Fields whose values are long names of things, such as a commit or a path, and never keys. */
const NO_SECRETS: readonly string[] = ['revision', 'weights', 'newData', 'tokenizer', 'template', 'preQuery', 'stop', 'bos', 'accelerate'];

/** Whether a text is, or holds, a key or token of the usual services. */
export function looksLikeSecret(text: string): boolean {
  const whole = text.trim();
  return (WHOLE.test(whole) && whole.length >= 12) || KNOWN.test(text);
}

/**
 * Whether a text of a spec holds a secret: one with a known beginning, one that its neighbour names, or an unbroken run of letters and
 * digits as no word has. A commit or checksum (hexadecimal digits alone) is none.
 * @param field under which it stands
 */
export function holdsSecret(text: string, field: string): boolean {
  if (looksLikeSecret(text)) return true;
  if (NO_SECRETS.includes(field)) return false;
  const named = NAMED.exec(text)?.[1] ?? NAMED_LONG.exec(text)?.[1] ?? (SECRET_FIELD.test(field) && text.length >= 8 ? text : undefined);
  if (named !== undefined && /[0-9]/.test(named) && !isPlace(named)) return true;
  if (CREDENTIALS.test(text)) return true;
  return looksRandom(text);
}

/** Least length of a run that is looked at, and how often it must change between letters and digits: a drawn one of 28 does so eight times. */
const RUN = 20;
const CHANGES = 5;

/** Whether a text holds a long run that was drawn rather than written. */
function looksRandom(text: string): boolean {
  return (text.match(new RegExp(`[A-Za-z0-9]{${RUN},}`, 'g')) ?? []).some((run) => {
    if (/^[0-9a-f]+$|^[0-9A-F]+$|^[0-9]+$|^[A-Za-z]+$/.test(run)) return false;
    const kinds = Array.from(run, (character) => /[0-9]/.test(character));
    return kinds.filter((kind, index) => index > 0 && kind !== kinds[index - 1]).length >= CHANGES;
  });
}

/** A path, a URL or a variable of the shell stands for a secret without being one. */
function isPlace(text: string): boolean {
  return /^(\.{0,2}\/|~|\$|[a-z]+:\/\/)/i.test(text);
}

/** Options of servers' command lines after which a key is expected. */
const SECRET_OPTION = /^--?(.*[-_])?(api[-_]?key|hf[-_]?token|token|secret|password|passwd)$/i;

/** Which of a command line's arguments are secrets: what follows, or stands in, an option that takes one. */
export function secretArguments(args: readonly string[]): number[] {
  return args.flatMap((argument, index) => {
    const [option = '', value] = argument.split('=', 2);
    if (value !== undefined && SECRET_OPTION.test(option)) return isPlace(value) || value === '' ? [] : [index];
    const before = args[index - 1];
    return before !== undefined && SECRET_OPTION.test(before) && !argument.startsWith('-') && !isPlace(argument) ? [index] : [];
  });
}
