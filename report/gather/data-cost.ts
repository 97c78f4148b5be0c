import type { RunSpec } from '../../config/spec';
import { callsModels } from '../../stages/chain';
import type { Provenance } from './stage-ledger';
import type { VariantKind } from './variant-kind';

/** What the model calls behind a variant's replay set took. */
export interface DataCost {
  /** Of prompts and replies, as these report them. */
  readonly tokens: number;
  /** Null where a model that was called has no price. */
  readonly usd: number | null;
}

/**
 * The calls that a replay set needs, whatever else the run made of them: all of the synthesis for the method; extraction and
 * the target's first answers, as their part of all its answers, for the ablation without filtering; extraction, the target's
 * answers and its own scores of them for the other. Sets that others made, and no replay, cost no call.
 * @param provenance of the synthesis; of own answers, of what they are made from
 * @returns null for the official model, which is not trained
 */
export function dataCost(
  kind: VariantKind,
  { target, synthesis: { respond } }: Pick<RunSpec, 'target' | 'synthesis'>,
  provenance: readonly Provenance[],
): DataCost | null {
  if (kind === 'official') return null;
  const parts = provenance.flatMap((group): { readonly group: Provenance; readonly share: number }[] => {
    const share = shareNeeded(kind, group, target.model, respond.samples);
    return share === 0 ? [] : [{ group, share }];
  });
  let tokens = 0;
  let usd: number | null = 0;
  for (const { group, share } of parts) {
    tokens += share * (group.promptTokens + group.completionTokens);
    usd = usd === null || group.usd === null ? null : usd + share * group.usd;
  }
  return { tokens, usd };
}

/** Part of a group's calls that a replay set of this kind needs, 0 to 1. */
function shareNeeded(kind: VariantKind, { stage, model, generator }: Provenance, target: string, samples: number): number {
  if (!callsModels(stage) || kind === 'none' || kind === 'dataset' || kind === 'interpolate') return 0;
  if (kind === 'method' || kind === 'own-answers' || stage === 'extract') return 1;
  if (model !== target) return 0;
  if (stage === 'respond') return kind === 'first-response' ? 1 / samples : 1;
  return kind === 'target-best' && generator === target ? 1 : 0;
}
