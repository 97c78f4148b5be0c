import type { SelectionInput } from '../method/selection';
import type { RunSpec } from './spec';

/** How a spec has the best response chosen, by however many judges. */
export function selectionRules(
  { policy, minJudges, truncated }: RunSpec['synthesis']['select'],
  judges: number,
): Pick<SelectionInput, 'policy' | 'truncated'> {
  return {
    policy: policy === 'complete' ? { keep: 'complete' } : { keep: 'available', minJudges: Math.min(minJudges, judges) },
    // A plan that was stored before there was such a setting chose by the scores alone.
    truncated: (truncated as typeof truncated | undefined) ?? 'keep',
  };
}
