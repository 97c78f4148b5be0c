import { ASKING } from './judged-early';
import { CORRELATIONS, simulateJudging } from './simulated-judging';

/**
 * How much of the last judge's work early judging leaves out, and how that moves with the judges' agreement: see simulated-judging.ts.
 * Fails when a winner is another than full judging's. One response after the other, which no run does, is simulated for a tenth of the instructions.
 *
 * node dist/bench/early-judging.js [INSTRUCTIONS]
 */
const instructions = Number(process.argv[2] ?? 100_000);
console.log(
  `| correlation of two judges | ${ASKING.join(' | ')} | winners that differ |\n| ---: | ${'---: | '.repeat(ASKING.length)}---: |`,
);
let differ = 0;
for (const correlation of CORRELATIONS) {
  const figures = ASKING.map((asking) =>
    simulateJudging(asking === 'singly' ? Math.ceil(instructions / 10) : instructions, correlation, asking),
  );
  const different = figures.reduce((sum, each) => sum + each.differ, 0);
  console.log(`| ${correlation} | ${figures.map(({ shown }) => `${(100 * shown).toFixed(1)} %`).join(' | ')} | ${different} |`);
  differ += different;
}
if (differ > 0) process.exitCode = 1;
