import { SHOWN_BY_JUDGES } from '../planning/simulated-shares';
import { ASKING } from './judged-early';
import { simulateJudging } from './simulated-judging';

/**
 * How much of the last judge's work early judging leaves out, and how that moves with what the judges are like: see simulated-judging.ts.
 * Fails when a winner is another than full judging's. One response after the other, which no run does, is simulated for a tenth of the instructions.
 *
 * node dist/bench/early-judging.js [INSTRUCTIONS]
 */
const instructions = Number(process.argv[2] ?? 100_000);
console.log(
  `| correlation of two judges | scores that are 5 | ${ASKING.join(' | ')} | winners that differ |\n| ---: | ---: | ${'---: | '.repeat(ASKING.length)}---: |`,
);
let differ = 0;
for (const judges of SHOWN_BY_JUDGES) {
  const figures = ASKING.map((asking) =>
    simulateJudging(asking === 'singly' ? Math.ceil(instructions / 10) : instructions, judges, asking),
  );
  const different = figures.reduce((sum, each) => sum + each.differ, 0);
  const shown = figures.map((each) => `${(100 * each.shown).toFixed(1)} %`).join(' | ');
  console.log(`| ${judges.correlation} | ${100 * judges.fives} % | ${shown} | ${different} |`);
  differ += different;
}
if (differ > 0) process.exitCode = 1;
