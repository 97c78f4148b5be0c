import { homedir } from 'node:os';
import { looksLikePath } from '../../config/weights';
import { canonicalJson } from '../../method/canonical-json';
import { MethodError } from '../../method/method-error';
import { sha256 } from '../../stages/sha256';
import type { ReadTemplate, TokenizerFacts } from '../../templates/read-template';
import { asksForDate } from '../../templates/render-chat';
import { takeApart } from '../../templates/take-apart';
import { factsOfPath } from './directory';
import { factsOfHub, type HubEnvironment } from './hub-repository';
import { TemplateNotReadError } from './template-error';

export interface TemplatePlace {
  /** A directory or a GGUF file, by a path that begins with `/`, `./`, `../` or `~/`; else a hub id. */
  readonly place: string;
  readonly revision?: string | undefined;
}

/**
 * Reads a model's own chat template and takes it apart.
 * @param options.date what `strftime_now` is to tell, `YYYY-MM-DD`
 * @throws TemplateNotReadError when there is none, or when nothing can be extracted with it
 */
export async function readTemplate(
  { place, revision }: TemplatePlace,
  { date, env }: { readonly date: string; readonly env: HubEnvironment },
): Promise<ReadTemplate> {
  const isPath = looksLikePath(place) || place.startsWith('~/');
  const facts = isPath ? await factsOfPath(place.replace(/^~(?=\/)/, homedir())) : await factsOfHub(place, revision, env);
  return completed({ ...facts, ...(asksForDate(facts.chatTemplate) ? { date } : {}) });
}

/** @throws TemplateNotReadError when nothing can be extracted with it */
function completed(facts: TokenizerFacts & { readonly date?: string }): ReadTemplate {
  const { source, chatTemplate, variables, addsBos, tokens, date } = facts;
  try {
    const parts = takeApart(facts);
    const { generationPrompt: _, gap, defaultSystem: __, ...asked } = parts;
    const special = tokens.map(({ text, special: isSpecial }) => [text, isSpecial]);
    return {
      ...facts,
      ...parts,
      identities: {
        extraction: identity({ ...asked, bos: variables['bos_token'] ?? null, addsBos, special }),
        conversation: identity({ chatTemplate, variables, addsBos, special, date: date ?? null, gap }),
        text: identity(special),
      },
    };
  } catch (cause) {
    if (!(cause instanceof MethodError)) throw cause;
    throw new TemplateNotReadError(`${source.file} of ${source.place} cannot be used: ${cause.message}`, false, { cause });
  }
}

function identity(parts: unknown): string {
  return sha256(canonicalJson(parts));
}
