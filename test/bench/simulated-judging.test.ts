import { simulateJudging } from '../../bench/simulated-judging';
import { DEFAULT_ASSUMPTIONS } from '../../planning/cost-assumptions';
import { SHOWN_BY_JUDGES } from '../../planning/simulated-shares';

const INSTRUCTIONS = 300;
/** Four standard errors of so few. */
const NEAR = 0.05;

test('what plans assume of early judging is what its simulation shows, and no winner differs', () => {
  for (const judges of SHOWN_BY_JUDGES) {
    for (const asking of ['generators', 'prospects'] as const) {
      const simulated = simulateJudging(INSTRUCTIONS, judges, asking);
      expect(simulated.differ).toBe(0);
      expect(Math.abs(simulated.shown - judges[asking])).toBeLessThan(NEAR);
    }
  }
  const assumed = SHOWN_BY_JUDGES.find(({ correlation, fives }) => correlation === 0.5 && fives === 0.25)!;
  expect(DEFAULT_ASSUMPTIONS.shownShare.value).toBe(assumed.generators);
  expect(DEFAULT_ASSUMPTIONS.shownInRounds.value).toBe(assumed.prospects);
});
