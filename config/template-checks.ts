import { nearestNames } from '../method/nearest-names';
import { templateNames, resolveTemplate } from '../method/templates';
import { extracts } from './own-answers';
import { SCORE_READINGS, scoringsWith } from './score-readings';
import type { ModelSpec, RunSpec } from './spec';
import { showValue, type Finding } from './spec-errors';
import { looksLikeHubId, templatePlaces } from './template-places';

/** Chat formats that are missing, unknown, or of a kind that a judge cannot use. */
export function templateProblems(spec: RunSpec): Finding[] {
  const { judge } = spec.synthesis;
  const findings: Finding[] = [];
  for (const [name, model] of Object.entries(spec.models)) {
    const at = ['models', name, 'template'];
    const isExtracted = name === spec.target.model && extracts(spec);
    // Without a template such a judge is asked through the chat API; with one its raw prompt is rendered.
    const isRead = SCORE_READINGS[judge.scoring].readsProbabilities && judge.judges.includes(name);
    if (model.template === undefined) {
      if (isExtracted && templatePlaces(spec, name).length === 0) {
        findings.push({
          at,
          value: 'nothing',
          expected:
            'the chat format of the target model, which extraction sends bare, and there are neither weights nor a hub id to read it from',
          hint: `name a directory, a hub id or a GGUF file under models.${name}.tokenizer, or a format here, such as ${templateNames().slice(0, 3).join(', ')}`,
        });
      }
      const { tokenizer } = model;
      if (
        tokenizer !== undefined &&
        !/^(~?\/|\.\.?(\/|$))/.test(tokenizer) &&
        !tokenizer.startsWith('builtin:') &&
        !looksLikeHubId(tokenizer)
      ) {
        findings.push({
          at: ['models', name, 'tokenizer'],
          value: showValue(tokenizer),
          expected: 'a directory or GGUF file that begins with "./", "../" or "/", or a hub id such as Qwen/Qwen3-8B',
          hint: `write ./${tokenizer} for a file here`,
        });
      }
      continue;
    }
    const literal = typeof model.template !== 'string';
    const unknown = unresolvable(model.template);
    if (unknown !== undefined) findings.push({ at, ...unknown });
    else if (literal && isRead) {
      findings.push({
        at,
        value: 'a literal template',
        expected: `a named one for a judge whose probabilities are read (scoring: ${judge.scoring})`,
        hint: `name one of ${templateNames().join(', ')}, or use scoring: ${scoringsWith(({ readsProbabilities }) => !readsProbabilities).join(' or ')}`,
      });
    }
  }
  return findings;
}

function unresolvable(template: NonNullable<ModelSpec['template']>): Omit<Finding, 'at'> | undefined {
  try {
    resolveTemplate(template);
    return undefined;
  } catch (error) {
    if (typeof template !== 'string') {
      return { value: showValue(template), expected: 'a usable template', hint: error instanceof Error ? error.message : String(error) };
    }
    const near = nearestNames(template, templateNames(), 1)[0];
    return {
      value: showValue(template),
      expected: 'the name of a chat format, or {preQuery, stop}',
      hint: near === undefined ? `known are ${templateNames().join(', ')}` : `did you mean ${JSON.stringify(near)}?`,
    };
  }
}
