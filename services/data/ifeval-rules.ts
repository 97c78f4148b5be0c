import { nearestNames } from '../../method/nearest-names';
import type { RowProblem } from './data-rows';

/** Kinds of an instruction's arguments. */
type ArgumentKind = 'number' | 'text' | 'patterns' | 'pattern' | 'relation' | 'language';

/** The arguments of IFEval's checks, by name: their `build_description` functions in lm_eval/tasks/ifeval/instructions.py. */
const ARGUMENTS: Readonly<Record<string, ArgumentKind>> = {
  keywords: 'patterns',
  keyword: 'pattern',
  forbidden_words: 'patterns',
  frequency: 'number',
  relation: 'relation',
  letter: 'text',
  let_frequency: 'number',
  let_relation: 'relation',
  language: 'language',
  num_sentences: 'number',
  num_paragraphs: 'number',
  num_words: 'number',
  nth_paragraph: 'number',
  first_word: 'text',
  num_placeholders: 'number',
  postscript_marker: 'text',
  num_bullets: 'number',
  num_highlights: 'number',
  section_spliter: 'text',
  num_sections: 'number',
  prompt_to_repeat: 'text',
  end_phrase: 'text',
  capital_frequency: 'number',
  capital_relation: 'relation',
};

/** IFEval's instructions with the arguments they take: `INSTRUCTION_DICT` of lm_eval/tasks/ifeval/instructions_registry.py. */
export const IFEVAL_INSTRUCTIONS: Readonly<Record<string, readonly string[]>> = {
  'keywords:existence': ['keywords'],
  'keywords:frequency': ['keyword', 'frequency', 'relation'],
  'keywords:forbidden_words': ['forbidden_words'],
  'keywords:letter_frequency': ['letter', 'let_frequency', 'let_relation'],
  'language:response_language': ['language'],
  'length_constraints:number_sentences': ['num_sentences', 'relation'],
  'length_constraints:number_paragraphs': ['num_paragraphs'],
  'length_constraints:number_words': ['num_words', 'relation'],
  'length_constraints:nth_paragraph_first_word': ['num_paragraphs', 'nth_paragraph', 'first_word'],
  'detectable_content:number_placeholders': ['num_placeholders'],
  'detectable_content:postscript': ['postscript_marker'],
  'detectable_format:number_bullet_lists': ['num_bullets'],
  'detectable_format:constrained_response': [],
  'detectable_format:number_highlighted_sections': ['num_highlights'],
  'detectable_format:multiple_sections': ['section_spliter', 'num_sections'],
  'detectable_format:json_format': [],
  'detectable_format:title': [],
  'combination:two_responses': [],
  'combination:repeat_prompt': ['prompt_to_repeat'],
  'startend:end_checker': ['end_phrase'],
  'change_case:capital_word_frequency': ['capital_frequency', 'capital_relation'],
  'change_case:english_capital': [],
  'change_case:english_lowercase': [],
  'punctuation:no_comma': [],
  'startend:quotation': [],
};

/** Of lm_eval/tasks/ifeval/instructions.py and instructions_util.py. */
export const IFEVAL_RELATIONS = ['less than', 'at least'] as const;
export const IFEVAL_LANGUAGES = 'en es pt ar hi fr ru de ja it bn uk th ur ta te bg ko pl he fa vi ne sw kn mr gu pa ml fi'.split(
  ' ',
) as readonly string[];

/**
 * What of a document's instructions the harness would fail on when it scores the first answer, hours into a run: an id that it lacks,
 * an argument that the instruction does not take, or one of another kind. Null when all is fine.
 */
export function ifevalProblem(ids: readonly string[], kwargs: readonly Readonly<Record<string, unknown>>[]): RowProblem | null {
  for (const [index, id] of ids.entries()) {
    const known = Object.hasOwn(IFEVAL_INSTRUCTIONS, id) ? IFEVAL_INSTRUCTIONS[id] : undefined;
    if (known === undefined) {
      return { path: `instruction_id_list[${index}]`, value: JSON.stringify(id), expected: `an instruction of IFEval${nearest(id)}` };
    }
    const given = kwargs[index] ?? {};
    for (const [name, value] of Object.entries(given)) {
      if (isUnset(value)) continue; // the harness leaves these out
      const path = `kwargs[${index}].${name}`;
      if (!known.includes(name)) {
        const expected = known.length === 0 ? `no argument for ${id}` : `${id} with ${known.join(', ')} alone`;
        return { path, value: JSON.stringify(value).slice(0, 60), expected };
      }
      const expected = misfit(ARGUMENTS[name], value);
      if (expected !== undefined) return { path, value: JSON.stringify(value).slice(0, 60), expected };
    }
    if (id === 'combination:repeat_prompt' && isUnset(given['prompt_to_repeat'])) {
      return { path: `kwargs[${index}].prompt_to_repeat`, value: 'nothing', expected: 'the text that the answer has to repeat' };
    }
  }
  return null;
}

/** What Python takes for false. */
function isUnset(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === false ||
    value === 0 ||
    value === '' ||
    (Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value).length === 0)
  );
}

function misfit(kind: ArgumentKind | undefined, value: unknown): string | undefined {
  switch (kind) {
    case 'number':
      return typeof value === 'number' ? undefined : 'a number';
    case 'relation':
      return (IFEVAL_RELATIONS as readonly unknown[]).includes(value) ? undefined : `"${IFEVAL_RELATIONS.join('" or "')}"`;
    case 'language':
      return (IFEVAL_LANGUAGES as readonly unknown[]).includes(value) ? undefined : `one of the languages ${IFEVAL_LANGUAGES.join(', ')}`;
    case 'pattern':
      return typeof value === 'string' && isPattern(value)
        ? undefined
        : 'a text that is a regular expression, as the harness takes it for one';
    case 'patterns':
      return Array.isArray(value) && value.every((each) => typeof each === 'string' && isPattern(each))
        ? undefined
        : 'a list of texts that are regular expressions, as the harness takes them for such';
    default:
      return typeof value === 'string' ? undefined : 'a text';
  }
}

/** Python's `re` takes it too: of the common mistakes both languages see the same, but for possessive quantifiers, which Python has. */
function isPattern(text: string): boolean {
  try {
    return new RegExp(text.replace(/([*+?}])\+/g, '$1')) instanceof RegExp;
  } catch {
    return false;
  }
}

function nearest(id: string): string {
  const near = nearestNames(id, Object.keys(IFEVAL_INSTRUCTIONS), 1)[0];
  return near === undefined ? ' (lm_eval/tasks/ifeval lists them)' : ` (did you mean ${JSON.stringify(near)}?)`;
}
