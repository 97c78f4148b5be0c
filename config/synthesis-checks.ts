import { extractionStops, MOST_STOPS } from './extraction-stops';
import { extracts } from './own-answers';
import { samplingFor, type StageSampling } from './sampling';
import type { RunSpec } from './spec';
import type { Finding } from './spec-errors';
import { withRoom } from './thinking';

/** Tokens of a reply with its thoughts; of a model that is not there, which another check names, without. */
function longestReply(spec: RunSpec, name: string, stage: StageSampling): number {
  return withRoom(samplingFor(stage, name), spec.models[name] ?? {}).maxTokens;
}

/** Sampling that no run can mean, or that an endpoint does not allow. */
export function samplingProblems(spec: RunSpec): Finding[] {
  const { extract, respond, judge } = spec.synthesis;
  const findings: Finding[] = [];
  if (extract.sampling.temperature === 0 && extract.instructions > 1 && extracts(spec)) {
    findings.push({
      at: ['synthesis', 'extract', 'sampling', 'temperature'],
      value: '0',
      expected: 'a temperature above 0',
      hint: 'every instruction would be the same text; use 1',
    });
  }
  const stops = extractionStops(extract);
  if (stops.length > MOST_STOPS) {
    findings.push({
      at: ['synthesis', 'extract', 'stop'],
      value: `a list of ${stops.length}${extract.stopAtNewline ? ' with the line break' : ''}`,
      expected: `at most ${MOST_STOPS} stop strings, the API's limit`,
      hint: 'remove some',
    });
  }
  const longest = new Map<string, number>();
  const note = (name: string, tokens: number): void => void longest.set(name, Math.max(longest.get(name) ?? 0, tokens));
  note(spec.target.model, extract.sampling.maxTokens);
  respond.generators.forEach((name) => note(name, longestReply(spec, name, respond)));
  judge.judges.forEach((name) => note(name, longestReply(spec, name, judge)));
  for (const [name, { limits }] of Object.entries(spec.models)) {
    const tokens = longest.get(name) ?? 0;
    const perMinute = limits.tokensPerMinute;
    if (perMinute !== undefined && perMinute < tokens) {
      findings.push({
        at: ['models', name, 'limits', 'tokensPerMinute'],
        value: String(perMinute),
        expected: `at least ${tokens}, the longest reply that the spec asks of it`,
        hint: 'raise it, or lower maxTokens',
      });
    }
  }
  return findings;
}

/** A selection that no response could pass. */
export function selectionProblems(spec: RunSpec): Finding[] {
  const { judge, select } = spec.synthesis;
  if (select.minJudges <= judge.judges.length) return [];
  return [
    {
      at: ['synthesis', 'select', 'minJudges'],
      value: String(select.minJudges),
      expected: `at most ${judge.judges.length}, the number of judges`,
      hint: 'lower it or add judges',
    },
  ];
}
