import { formatCount } from '../contract/figures';
import type { CostPlan } from '../planning/cost-plan';
import { formatTable } from './terminal/output';

const right = { align: 'right' } as const;

/** What else the synthesis could take, as titled tables; none where nothing would change it. */
export function waysTexts({
  ways,
  byAgreement,
}: Pick<CostPlan, 'ways' | 'byAgreement'>): { readonly title: string; readonly table: string }[] {
  return [
    ...(ways === null ? [] : [{ title: 'The synthesis, judged in full or early, live or by batch APIs', table: waysTable(ways) }]),
    ...(byAgreement === null
      ? []
      : [
          {
            title: 'Early judging, by how far the judges agree, which nobody knows before they have judged',
            table: agreementTable(byAgreement),
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

function agreementTable(rows: NonNullable<CostPlan['byAgreement']>): string {
  return formatTable(
    [
      { name: 'correlation of two judges' },
      { name: 'last one is shown', ...right },
      { name: 'early judging', ...right },
      { name: 'both', ...right },
    ],
    rows.map(({ correlation, shown, usd, usdInBatches }) => [
      String(correlation),
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
