import fc from 'fast-check';
import { foldText, wordsOf } from '../../../method/quality/fold';
import { chooseBands, meetingChance, MinHasher } from '../../../method/quality/minhash';
import { LEAST_RECALL, NearDuplicateIndex } from '../../../method/quality/near-duplicates';
import { jaccard, shingleHashes, shinglesOf } from '../../../method/quality/shingles';
import { createRandom } from '../../../method/random';

const options = { threshold: 0.8, shingleSize: 5, permutations: 128 };

/** Texts over few letters, so that they often share shingles. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'é'), maxLength: 60 });

describe('folding', () => {
  it.each([
    ['How  DO\n\tI fly?', 'how do i fly?'],
    [' \u00a0Straße ', 'strasse'],
    ['ﬁne', 'fine'],
    ['Ｆｕｌｌ　width', 'full width'],
    ['e\u0301', 'é'],
  ])('makes %j and %j alike', (before, after) => {
    expect(foldText(before)).toBe(after);
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (any) => {
        const once = foldText(any);
        expect(foldText(once)).toBe(once);
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps the signs that tell two questions apart', () => {
    expect(foldText('What is 3 + 4?')).not.toBe(foldText('What is 3 - 4?'));
  });

  it('finds words in any script, without their punctuation', () => {
    expect(wordsOf('don’t stop: नमस्ते x2 (42)')).toEqual(['don', 't', 'stop', 'नमस्ते', 'x2', '42']);
  });
});

describe('shingles', () => {
  it('are all runs of their size, and a shorter text is one', () => {
    expect([...shinglesOf('abcdef', 5)]).toEqual(['abcde', 'bcdef']);
    expect([...shinglesOf('abc', 5)]).toEqual(['abc']);
    expect([...shinglesOf('', 5)]).toEqual(['']);
  });

  it('give a similarity that is 1 only for equal sets, 0 for sets with nothing in common, and the same both ways', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(30)), fc.uniqueArray(fc.nat(30)), (left, right) => {
        const [a, b] = [new Set(left.map(String)), new Set(right.map(String))];
        const shared = left.filter((each) => right.includes(each)).length;
        const union = new Set([...left, ...right]).size;
        expect(jaccard(a, b)).toBeCloseTo(union === 0 ? 1 : shared / union);
        expect(jaccard(a, b)).toBe(jaccard(b, a));
      }),
    );
  });
});

describe('a MinHash signature', () => {
  it('estimates the exact similarity without bias, within its standard error', () => {
    const components = 128;
    const hasher = new MinHasher(components);
    const random = createRandom(11);
    for (const similarity of [0.1, 0.3, 0.5, 0.8, 0.95]) {
      const pairs = 80;
      let sum = 0;
      let squares = 0;
      for (let pair = 0; pair < pairs; pair++) {
        const total = 300;
        const shared = Math.round(similarity * total);
        const names = Array.from({ length: total }, () => `${random.below(2 ** 32)}-${random.below(2 ** 32)}`);
        const half = shared + Math.floor((total - shared) / 2);
        const a = new Set(names.slice(0, half));
        const b = new Set([...names.slice(0, shared), ...names.slice(half)]);
        const [left, right] = [hasher.signature(shingleHashes(a)), hasher.signature(shingleHashes(b))];
        const error = left.filter((value, index) => value === right[index]).length / components - jaccard(a, b);
        sum += error;
        squares += error ** 2;
      }
      const standardError = Math.sqrt((similarity * (1 - similarity)) / components);
      expect(Math.abs(sum / pairs)).toBeLessThan((4 * standardError) / Math.sqrt(pairs));
      expect(Math.sqrt(squares / pairs)).toBeLessThan(1.3 * standardError);
    }
  });

  it('does not depend on the order of the shingles', () => {
    const hasher = new MinHasher(16);
    fc.assert(
      fc.property(fc.array(fc.nat()), (hashes) => {
        expect(hasher.signature(Uint32Array.from(hashes))).toEqual(hasher.signature(Uint32Array.from(hashes.toReversed())));
      }),
    );
  });
});

describe('the choice of bands', () => {
  it('finds a pair at the threshold as surely as was asked, with no longer bands to be had', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.3, max: 0.99, noNaN: true }), fc.integer({ min: 32, max: 256 }), (threshold, components) => {
        const { bands, rows } = chooseBands({ threshold, components, recall: LEAST_RECALL });
        expect(bands * rows).toBeLessThanOrEqual(components);
        expect(rows === 1 || meetingChance(threshold, { bands, rows }) >= LEAST_RECALL).toBe(true);
        const longer = { bands: Math.floor(components / (rows + 1)), rows: rows + 1 };
        expect(meetingChance(threshold, longer)).toBeLessThan(LEAST_RECALL);
      }),
    );
  });

  it('is 21 bands of 6 rows for 128 components at 0.8', () => {
    expect(chooseBands({ threshold: 0.8, components: 128, recall: LEAST_RECALL })).toEqual({ bands: 21, rows: 6 });
  });
});

describe('the index of near duplicates', () => {
  it('never calls two texts alike that are not, and names the exact similarity', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 30 }), (texts) => {
        const index = new NearDuplicateIndex(options);
        for (const [place, each] of texts.entries()) {
          const found = index.findOrKeep(String(place), each);
          const exact = found === undefined ? 1 : jaccard(shinglesOf(each, 5), shinglesOf(texts[Number(found.id)]!, 5));
          expect(found?.similarity ?? 1).toBe(exact);
          expect(exact).toBeGreaterThanOrEqual(options.threshold);
        }
      }),
    );
  });

  it('finds what comparing every pair finds, but for the stated few', () => {
    let expected = 0;
    let missed = 0;
    let wrong = 0;
    const random = createRandom(5);
    for (let round = 0; round < 300; round++) {
      const base = Array.from({ length: 200 }, () => 'abcdefghijklmnop'[random.below(16)]).join('');
      const cut = random.below(12);
      const other = base.slice(0, 200 - cut) + 'XYZQWRSTUVKL'.slice(0, random.below(12));
      const exact = jaccard(shinglesOf(base, 5), shinglesOf(other, 5));
      const index = new NearDuplicateIndex(options);
      expect(index.findOrKeep('a', base)).toBeUndefined();
      const found = index.findOrKeep('b', other);
      if (exact >= options.threshold) {
        expected++;
        if (found === undefined) missed++;
      } else if (found !== undefined) wrong++;
    }
    expect(wrong).toBe(0);
    expect(expected).toBeGreaterThan(200);
    expect(missed / expected).toBeLessThanOrEqual(1 - LEAST_RECALL);
  });

  it('always finds a text with the same shingles, however many are kept', () => {
    const index = new NearDuplicateIndex(options);
    const random = createRandom(3);
    const texts = Array.from({ length: 1_500 }, () =>
      Array.from({ length: 40 }, () => String.fromCharCode(97 + random.below(26))).join(''),
    );
    for (const [place, each] of texts.entries()) expect(index.findOrKeep(String(place), each)).toBeUndefined();
    for (const [place, each] of texts.entries()) expect(index.findOrKeep('again', each)).toEqual({ id: String(place), similarity: 1 });
  });

  it('names the most similar of several, and the first of equals', () => {
    const index = new NearDuplicateIndex({ ...options, threshold: 0.5 });
    index.findOrKeep('one', 'please explain how a four-stroke engine works in detail, step by step');
    index.findOrKeep('two', 'tell me where the best apples grow and when to pick them in the north');
    expect(index.findOrKeep('three', 'please explain how a four-stroke engine works in detail, step by stop')?.id).toBe('one');
  });
});
