/**
 * Part of nine responses that the last of three judges is shown where what cannot win is left out, by what the judges are like: how alike the
 * scores of two of them are, and how many of their scores are 5, since a 5 can tie whatever was before. Simulated (bench/early-judging.ts), and rounded up;
 * of real judges it is not known before they have judged something.
 */
export const SHOWN_BY_JUDGES = [
  { correlation: 0, fives: 0.25, generators: 0.65, prospects: 0.4 },
  { correlation: 0.25, fives: 0.25, generators: 0.6, prospects: 0.33 },
  { correlation: 0.5, fives: 0.25, generators: 0.56, prospects: 0.29 },
  { correlation: 0.75, fives: 0.25, generators: 0.53, prospects: 0.26 },
  { correlation: 0.9, fives: 0.25, generators: 0.52, prospects: 0.26 },
  { correlation: 0.5, fives: 0.45, generators: 0.59, prospects: 0.34 },
  { correlation: 0.5, fives: 0.6, generators: 0.65, prospects: 0.45 },
] as const;
