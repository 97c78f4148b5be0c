import { LANGUAGES, suggestLanguage } from '../method/quality/language';
import { resolveTemplate } from '../method/templates';
import type { RunSpec } from './spec';
import { showValue, type Finding, type SpecWarning } from './spec-errors';
import { activeQuality } from './spec-quality';

/** Filters that nothing could pass. */
export function qualityProblems({ synthesis: { quality } }: RunSpec): Finding[] {
  const { minWords, maxWords, minChars, maxChars } = quality?.length ?? {};
  const bounds = [
    ['Words', minWords, maxWords],
    ['Chars', minChars, maxChars],
  ] as const;
  const known: readonly string[] = LANGUAGES;
  const languages = (quality?.language ?? []).flatMap((code, index): Finding[] => {
    if (known.includes(code)) return [];
    const near = suggestLanguage(code);
    return [
      {
        at: ['synthesis', 'quality', 'language', index],
        value: showValue(code),
        expected: 'the two letters of a language that the detector knows (ISO 639-1)',
        hint: near === undefined ? `known are ${known.join(', ')}` : `did you mean ${JSON.stringify(near)}?`,
      },
    ];
  });
  const lengths = bounds.flatMap(([unit, least, most]): Finding[] => {
    if (least === undefined || most === undefined || least <= most) return [];
    return [
      {
        at: ['synthesis', 'quality', 'length', `max${unit}`],
        value: String(most),
        expected: `at least ${least}, which min${unit} asks for`,
        hint: 'raise it or lower the other',
      },
    ];
  });
  return [...lengths, ...languages];
}

/** Filters that do nothing, or more than is meant. */
export function qualityWarnings(spec: RunSpec): SpecWarning[] {
  const { extract, quality } = spec.synthesis;
  const warnings: SpecWarning[] = [];
  if (quality !== undefined && activeQuality(spec) === undefined) {
    warnings.push({
      path: 'synthesis.quality',
      message: 'no filter is on: add length, refusals, language, decontaminate or duplicates, or remove it.',
    });
  }
  if (extract.stopAtNewline) {
    warnings.push({
      path: 'synthesis.extract.stopAtNewline',
      message: 'every instruction ends at its first line break, so those of several lines are cut: code, tables, texts to work on.',
    });
    const template = spec.models[spec.target.model]?.template;
    if (template !== undefined && /\|>$/.test(resolveTemplate(template).preQuery)) {
      warnings.push({
        path: 'synthesis.extract.stopAtNewline',
        message:
          "the target's pre-query template ends before the line break that its chat format has, so the model may write that first and stop: expect empty instructions.",
      });
    }
  }
  return warnings;
}
