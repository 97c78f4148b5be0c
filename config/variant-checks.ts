import type { RunSpec } from './spec';
import { showValue, type Finding } from './spec-errors';
import { variantsOf } from './variants';

/** Names that mean something of their own; another replay set under one of them would mislead. */
const OWN_MEANING: Readonly<Record<string, string>> = {
  method: 'method',
  'first-response': 'first-response',
  'target-best': 'target-best',
  'new-data-only': 'none',
};

/** What is wrong with a spec's variants: names twice, names that mislead, ablations without what they are made from. */
export function variantProblems(spec: RunSpec): Finding[] {
  const findings: Finding[] = [];
  const names = variantsOf(spec).map(({ name }) => name);
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
    const meaning = OWN_MEANING[name];
    if (typeof entry !== 'string' && (name === 'official' || (meaning !== undefined && entry.replay !== meaning))) {
      findings.push({
        at: [...at, 'name'],
        value: showValue(name),
        expected: `another name, since ${JSON.stringify(name)} is a variant of its own`,
        hint: 'rename it',
      });
    }
    if (typeof entry !== 'string' && entry.replay === 'none' && entry.newShare !== undefined) {
      findings.push({ at: [...at, 'newShare'], value: String(entry.newShare), expected: 'no share for new data alone', hint: 'remove it' });
    }
    findings.push(...ablationProblems(spec, typeof entry === 'string' ? entry : entry.replay, at));
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

/** Both ablations are made from what synthesis has anyway, without a call of their own. */
function ablationProblems(spec: RunSpec, replay: unknown, at: readonly PropertyKey[]): Finding[] {
  if (replay !== 'first-response' && replay !== 'target-best') return [];
  const { respond, judge } = spec.synthesis;
  const target = spec.target.model;
  if (!respond.generators.includes(target)) {
    return [
      {
        at: [...at],
        value: showValue(replay),
        expected: `the target model (${target}) among synthesis.respond.generators, whose responses it takes`,
        hint: 'add it there, or leave this variant out',
      },
    ];
  }
  if (replay === 'target-best' && !judge.judges.includes(target)) {
    return [
      {
        at: [...at],
        value: showValue(replay),
        expected: `the target model (${target}) among synthesis.judge.judges, whose scores it takes`,
        hint: 'add it there, or leave this variant out',
      },
    ];
  }
  return [];
}
