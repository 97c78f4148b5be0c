import { formatCount } from '../contract/figures';
import type { CostPlan } from '../planning/cost-plan';
import { formatTable } from './terminal/output';

const right = { align: 'right' } as const;

/** What else the synthesis could take, as titled tables; none where nothing would change it. */
export function waysTexts({ ways, byJudges }: Pick<CostPlan, 'ways' | 'byJudges'>): { readonly title: string; readonly table: string }[] {
  return [
    ...(ways === null ? [] : [{ title: 'The synthesis, judged in full or early, live or by batch APIs', table: waysTable(ways) }]),
    ...(byJudges === null
      ? []
      : [
          {
            title:
              'Early judging, by what the judges are like, which nobody knows before they have judged (simulated: bench/early-judging.ts)',
            table: judgesTable(byJudges),
          },
        ]),
  ];
}

/** Early judging: synthesis.judge.skip. Batches: mode: batch, of models whose price has a batchFactor. */
function waysTable(ways: NonNullable<CostPlan['ways']>): string {
  return formatTable(
    [{ name: 'way' }, { name: 'calls', ...right }, { name: 'dollars', ...right }, { name: 'days', ...right }],
    ways.map(({ way, isSpec, calls, usd, days }) => [
      `${way}${isSpec ? ' (this spec)' : ''}`,
      formatCount(calls),
      dollars(usd),
      days.toFixed(1),
    ]),
  );
}

function judgesTable(rows: NonNullable<CostPlan['byJudges']>): string {
  return formatTable(
    [
      { name: 'scores of two judges correlate by' },
      { name: 'are 5', ...right },
      { name: 'last one is shown', ...right },
      { name: 'early judging', ...right },
      { name: 'both', ...right },
    ],
    rows.map(({ correlation, fives, shown, usd, usdInBatches }) => [
      String(correlation),
      `${Math.round(100 * fives)} %`,
      `${Math.round(100 * shown)} %`,
      dollars(usd),
      dollars(usdInBatches),
    ]),
  );
}

/** Cents only where they matter. */
export function dollars(usd: number): string {
  return `$${usd.toLocaleString('en-US', usd < 100 ? { minimumFractionDigits: 2, maximumFractionDigits: 2 } : { maximumFractionDigits: 0 })}`;
}
