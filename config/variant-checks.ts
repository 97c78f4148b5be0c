import { unreachable } from '../method/never';
import type { RunSpec } from './spec';
import { showValue, type Finding } from './spec-errors';
import { type ReplayName } from './variant-names';
import { interpolationProblems, overrideProblems } from './variant-training-checks';
import { NAMED_REPLAYS, variantsOf, type ReplaySource } from './variants';

/** What is wrong with a spec's variants: names twice, names that mislead, ablations without what they are made from. */
export function variantProblems(spec: RunSpec): Finding[] {
  const findings: Finding[] = [];
  const variants = variantsOf(spec);
  const names = variants.map(({ name }) => name);
  for (const [index, entry] of spec.variants.entries()) {
    const at = ['variants', index];
    const name = typeof entry === 'string' ? entry : entry.name;
    if (names.indexOf(name) < index) {
      findings.push({
        at,
        value: `${showValue(name)} a second time`,
        expected: 'each variant once',
        hint: 'remove it, or give it another name',
      });
    }
    const meaning = (NAMED_REPLAYS as Readonly<Record<string, ReplayName>>)[name];
    if (
      typeof entry !== 'string' &&
      (name === 'official' || (meaning !== undefined && (!('replay' in entry) || entry.replay !== meaning || entry.train !== undefined)))
    ) {
      findings.push({
        at: [...at, 'name'],
        value: showValue(name),
        expected: `another name, since ${JSON.stringify(name)} is a variant of its own`,
        hint: 'rename it',
      });
    }
    if (typeof entry !== 'string' && 'newShare' in entry && (entry.replay ?? 'none') === 'none' && entry.newShare !== undefined) {
      findings.push({ at: [...at, 'newShare'], value: String(entry.newShare), expected: 'no share for new data alone', hint: 'remove it' });
    }
    findings.push(...sourceProblems(spec, variants[index]?.replay ?? null, at));
    if (typeof entry !== 'string') {
      findings.push(...('interpolate' in entry ? interpolationProblems(spec, entry, at) : overrideProblems(spec, entry, at)));
    }
  }
  for (const [index, newShare] of (spec.sweep?.newShare ?? []).entries()) {
    if (spec.sweep!.newShare.indexOf(newShare) < index) {
      findings.push({
        at: ['sweep', 'newShare', index],
        value: `${newShare} a second time`,
        expected: 'each share once',
        hint: 'remove it',
      });
    } else if (spec.variants.some((entry) => typeof entry !== 'string' && entry.name === `method-share-${newShare}`)) {
      findings.push({
        at: ['sweep', 'newShare', index],
        value: String(newShare),
        expected: `a share of which no variant has the name, method-share-${newShare}`,
        hint: 'remove one of the two',
      });
    }
  }
  return findings;
}

/** Ablations are made from what the synthesis has anyway, without a call of their own: then the target has to take part in it. */
function sourceProblems(spec: RunSpec, replay: ReplaySource | null, at: readonly PropertyKey[]): Finding[] {
  const { respond, judge } = spec.synthesis;
  const target = spec.target.model;
  const needed = (list: string, names: readonly string[], what: string): Finding[] =>
    names.includes(target)
      ? []
      : [
          {
            at,
            value: showValue(replay?.kind),
            expected: `the target model (${target}) among ${list}, whose ${what} it takes`,
            hint: 'add it there, or leave this variant out',
          },
        ];
  const generator = needed('synthesis.respond.generators', respond.generators, 'responses');
  const kind = replay?.kind;
  switch (kind) {
    case undefined: // the official model
    case 'method':
    case 'none':
    case 'dataset':
    case 'own-answers':
    case 'interpolate':
      return [];
    case 'first-response':
      return generator;
    case 'target-best':
      return generator.length > 0 ? generator : needed('synthesis.judge.judges', judge.judges, 'scores');
    default:
      return unreachable(kind);
  }
}
