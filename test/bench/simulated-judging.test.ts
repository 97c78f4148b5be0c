import { CORRELATIONS, simulateJudging } from '../../bench/simulated-judging';
import { DEFAULT_ASSUMPTIONS } from '../../planning/cost-assumptions';
import { SHOWN_BY_AGREEMENT } from '../../planning/judge-agreement';

const INSTRUCTIONS = 700;
/** Four standard errors of so few. */
const NEAR = 0.035;

test('what plans assume of early judging is what its simulation shows, and no winner differs', () => {
  for (const { correlation, ...shown } of SHOWN_BY_AGREEMENT) {
    for (const asking of ['generators', 'prospects'] as const) {
      const simulated = simulateJudging(INSTRUCTIONS, correlation, asking);
      expect(simulated.differ).toBe(0);
      expect(Math.abs(simulated.shown - shown[asking])).toBeLessThan(NEAR);
    }
  }
  expect(SHOWN_BY_AGREEMENT.map(({ correlation }) => correlation)).toEqual(CORRELATIONS);
  const assumed = SHOWN_BY_AGREEMENT.find(({ correlation }) => correlation === 0.5)!;
  expect(DEFAULT_ASSUMPTIONS.shownShare.value).toBe(assumed.generators);
  expect(DEFAULT_ASSUMPTIONS.shownInRounds.value).toBe(assumed.prospects);
});
