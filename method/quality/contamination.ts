import { hash32, mix32 } from '../hash';
import { MethodError } from '../method-error';
import { foldText, wordsOf } from './fold';

/** A question of an evaluation set. */
export interface EvaluationDocument {
  readonly task: string;
  readonly id: string;
  readonly text: string;
}

/** An instruction and an evaluation document that share words in a row. */
export interface Contamination {
  readonly task: string;
  readonly documentId: string;
  /** The first shared words, folded, with single spaces. */
  readonly ngram: string;
}

/** Documents of fewer words match only an instruction that says the same and nothing else: such runs are everybody's (GPT-3's floor). */
export const FEWEST_WORDS = 8;

interface Entry {
  readonly document: number;
  readonly start: number;
}

/**
 * Evaluation documents, searched for runs of `ngram` words that an instruction shares with them, ignoring case,
 * punctuation and white space. One shared run is enough, as in GPT-3 (Brown et al. 2020, appendix C: N words in a row, N from
 * 8 to 13 by the lengths of the set's documents; here a document shorter than `ngram` is matched by all its words).
 * Tulu 3 (Lambert et al. 2024) asks instead that shared 8-grams cover half of the document; that forgives stock phrases, and
 * a document of which less than half was copied.
 */
export class ContaminationIndex {
  private readonly documents: { readonly task: string; readonly id: string; readonly words: readonly string[] }[] = [];
  /** By length of the run: hash of its words to where it stands. Whole short documents are under their own lengths. */
  private readonly runs = new Map<number, Map<number, Entry[]>>();

  /** @throws {MethodError} when `ngram` is no whole number of at least {@link FEWEST_WORDS} */
  constructor(private readonly ngram: number) {
    if (!Number.isInteger(ngram) || ngram < FEWEST_WORDS) {
      throw new MethodError(`the n-gram has ${ngram} words; give a whole number of at least ${FEWEST_WORDS}`);
    }
  }

  /** Documents that can be matched; one without a word cannot. */
  get size(): number {
    return this.documents.length;
  }

  add({ task, id, text }: EvaluationDocument): void {
    const words = wordsOf(foldText(text));
    if (words.length === 0) return;
    const document = this.documents.push({ task, id, words }) - 1;
    const length = Math.min(this.ngram, words.length);
    const runs = this.runsOf(length);
    const hashes = runHashes(words, length);
    for (const [start, hash] of hashes.entries()) {
      const entries = runs.get(hash);
      if (entries === undefined) runs.set(hash, [{ document, start }]);
      else if (entries.at(-1)?.document !== document) entries.push({ document, start });
    }
  }

  /** Every document that shares a run with the text, each once with the first one. Sorted by task and document. */
  find(text: string): Contamination[] {
    const words = wordsOf(foldText(text));
    const found = new Map<number, Contamination>();
    for (const [length, runs] of this.runs) {
      // A very short document is met only by an instruction that says nothing else.
      if (words.length < length || (length < FEWEST_WORDS && words.length !== length)) continue;
      for (const [start, hash] of runHashes(words, length).entries()) {
        for (const entry of runs.get(hash) ?? []) {
          if (found.has(entry.document)) continue;
          const { task, id, words: documentWords } = this.documents[entry.document]!;
          const isSame = words.slice(start, start + length).every((word, offset) => word === documentWords[entry.start + offset]);
          if (isSame) found.set(entry.document, { task, documentId: id, ngram: words.slice(start, start + length).join(' ') });
        }
      }
    }
    return [...found.values()].sort((a, b) => compare(a.task, b.task) || compare(a.documentId, b.documentId));
  }

  private runsOf(length: number): Map<number, Entry[]> {
    let runs = this.runs.get(length);
    if (runs === undefined) this.runs.set(length, (runs = new Map<number, Entry[]>()));
    return runs;
  }
}

/** A hash of each run of `length` words, by where it starts. */
function runHashes(words: readonly string[], length: number): number[] {
  const single = words.map(hash32);
  return Array.from({ length: words.length - length + 1 }, (_, start) => {
    let hash = length;
    for (let offset = 0; offset < length; offset++) hash = mix32(Math.imul(hash, 0x01000193) ^ single[start + offset]!);
    return hash;
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
