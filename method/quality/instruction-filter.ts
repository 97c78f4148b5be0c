import { ContaminationIndex, type Contamination, type EvaluationDocument } from './contamination';
import { foldText } from './fold';
import { foreignLanguage, type LanguageDetector } from './language';
import { lengthProblem, type LengthRules } from './length';
import { NearDuplicateIndex, type NearDuplicateOptions } from './near-duplicates';
import { assistantTalk } from './refusals';

/** Which filters are on: those that are there. */
export interface QualityRules {
  readonly length?: LengthRules;
  readonly refusals?: boolean;
  /** ISO 639-1 codes of the languages that are wanted. */
  readonly language?: readonly string[];
  readonly decontaminate?: { readonly ngram: number };
  readonly duplicates?: { readonly exact: boolean; readonly near?: NearDuplicateOptions };
}

/** Why an instruction is dropped. Fixed words, so that they can be counted. */
export const DROP_REASONS = [
  'too short',
  'too long',
  'refusal',
  'greeting',
  'language',
  'contaminated',
  'duplicate',
  'near duplicate',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** What the filters say of one instruction. */
export type QualityVerdict =
  | { readonly kept: true }
  | { readonly kept: false; readonly reason: DropReason; readonly detail: string; readonly matches?: readonly Contamination[] };

export interface InstructionFilterInput {
  readonly rules: QualityRules;
  /** Needed by `language`. */
  readonly detectLanguage?: LanguageDetector;
  /** Needed by `decontaminate`. */
  readonly documents?: Iterable<EvaluationDocument>;
}

/**
 * The filters between extraction and the first paid answer. The paper has none of them. Given the instructions in the order
 * of their ids, so that of texts that are alike the first is kept; a verdict depends on that instruction and on those before
 * it. The first filter that objects gives the reason, and what it dropped is no original of any duplicate.
 */
export class InstructionFilter {
  private readonly originals = new Map<string, string>();
  private readonly near: NearDuplicateIndex | undefined;
  private readonly contamination: ContaminationIndex | undefined;

  /** @throws {MethodError} when the n-gram is too short */
  constructor(private readonly input: InstructionFilterInput) {
    const { decontaminate, duplicates } = input.rules;
    this.near = duplicates?.near === undefined ? undefined : new NearDuplicateIndex(duplicates.near);
    if (decontaminate === undefined) return;
    this.contamination = new ContaminationIndex(decontaminate.ngram);
    for (const document of input.documents ?? []) this.contamination.add(document);
  }

  /** Evaluation documents that are searched. */
  get documents(): number {
    return this.contamination?.size ?? 0;
  }

  /** Judges one instruction, and remembers it when it is kept. */
  verdict({ id, text }: { readonly id: string; readonly text: string }): QualityVerdict {
    return this.ownFault(text) ?? this.contaminated(text) ?? this.repetition(id, text) ?? { kept: true };
  }

  private ownFault(text: string): QualityVerdict | undefined {
    const { length, refusals, language } = this.input.rules;
    const problem = length === undefined ? undefined : lengthProblem(text, length);
    if (problem !== undefined) return { kept: false, reason: problem.reason, detail: problem.measured };
    const talk = refusals === true ? assistantTalk(text) : undefined;
    if (talk !== undefined) return { kept: false, reason: talk, detail: 'the words of an assistant' };
    if (language === undefined) return undefined;
    const { detectLanguage } = this.input;
    if (detectLanguage === undefined) throw new TypeError('the language filter needs a detector; hand one in');
    const foreign = foreignLanguage(text, language, detectLanguage);
    return foreign === undefined
      ? undefined
      : { kept: false, reason: 'language', detail: `${foreign.language} (${foreign.score.toFixed(2)})` };
  }

  private contaminated(text: string): QualityVerdict | undefined {
    const matches = this.contamination?.find(text) ?? [];
    const [first] = matches;
    if (first === undefined) return undefined;
    const more = matches.length === 1 ? '' : ` and ${matches.length - 1} more`;
    return { kept: false, reason: 'contaminated', detail: `${first.task} ${first.documentId}${more}`, matches };
  }

  private repetition(id: string, text: string): QualityVerdict | undefined {
    const { duplicates } = this.input.rules;
    if (duplicates === undefined) return undefined;
    const folded = foldText(text);
    if (duplicates.exact) {
      const original = this.originals.get(folded);
      if (original !== undefined) return { kept: false, reason: 'duplicate', detail: `of ${original}` };
    }
    const near = this.near?.findOrKeep(id, folded);
    if (near !== undefined) return { kept: false, reason: 'near duplicate', detail: `of ${near.id} (${near.similarity.toFixed(2)})` };
    if (duplicates.exact) this.originals.set(folded, id);
    return undefined;
  }
}
