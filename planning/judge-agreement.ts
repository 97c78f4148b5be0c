/**
 * Part of nine responses that the last of three judges is shown where what cannot win is left out, by how alike the scores of two judges
 * are. Simulated with judges that give 5, 10, 20, 40 and 25 % of their scores as 1 to 5 (bench/early-judging.ts, 100,000 instructions
 * each); of other judges it is not known before they have judged something.
 */
export const SHOWN_BY_AGREEMENT = [
  { correlation: 0, generators: 0.65, prospects: 0.4 },
  { correlation: 0.25, generators: 0.59, prospects: 0.33 },
  { correlation: 0.5, generators: 0.56, prospects: 0.29 },
  { correlation: 0.75, generators: 0.53, prospects: 0.26 },
  { correlation: 0.9, generators: 0.52, prospects: 0.26 },
] as const;
