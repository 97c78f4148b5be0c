import { modelsInUse } from '../../config/models-in-use';
import { findingLines, type ProbeFindings } from '../../config/probe-findings';
import type { RunSpec } from '../../config/spec';
import { probeModel, UnfitEndpointError } from '../../services/batches/probe';
import { PermanentEndpointError } from '../../services/endpoints/endpoint-errors';
import { Endpoints } from '../../services/endpoints/endpoints';
import type { ModelFailure } from '../../services/endpoints/model-errors';
import type { SpecFilesReport } from '../../services/runs/spec-files';
import type { Finding } from './finding';

/** An endpoint that does not answer by then is told of, not waited for. */
const PROBE_TIMEOUT_MS = 60_000;

/** The chat templates that were read here. */
type Templates = SpecFilesReport['templates'];

/** What each model that a run of the spec calls takes and gives, asked with the keys of this environment. */
export async function checkProbes(spec: RunSpec, env: NodeJS.ProcessEnv, templates: Templates): Promise<Finding[]> {
  const endpoints = new Endpoints(env);
  const names = modelsInUse(spec).filter((name) => spec.models[name]?.serve === undefined);
  try {
    return (await Promise.all(names.map(async (name) => await checkProbe(endpoints, spec, name, templates)))).flat();
  } finally {
    await endpoints.close();
  }
}

async function checkProbe(endpoints: Endpoints, spec: RunSpec, name: string, templates: Templates): Promise<Finding[]> {
  const check = `probe ${name}`;
  let last: ModelFailure | undefined;
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    return findingsOf(check, name, await probeModel({ endpoints, spec, name, templates, signal, onTransient: (fault) => (last = fault) }));
  } catch (error) {
    if (error instanceof PermanentEndpointError) {
      const settings = error instanceof UnfitEndpointError ? error.settings : {};
      const lines = findingLines(name, { settings, notes: [] });
      return [
        { check, state: 'fail', message: lines.length === 0 ? error.message : `${error.message}; it also wants ${lines.join(', ')}` },
      ];
    }
    return [
      {
        check,
        state: 'warn',
        message: `${name} was not asked what it takes: ${whyNotAsked(error, last)}`,
        fix: 'a run asks again before its first paid call',
      },
    ];
  }
}

/** Why an endpoint gave no answer at all, in some words. @param last the last fault that was waited out */
export function whyNotAsked(error: unknown, last?: ModelFailure): string {
  if ((error as { readonly name?: unknown } | null)?.name === 'TimeoutError') {
    const status = last?.status === undefined ? '' : ` (HTTP ${last.status})`;
    return `it did not answer within a minute${last === undefined ? '' : `; the last time: ${last.kind}${status}: ${last.message.slice(0, 200)}`}`;
  }
  return error instanceof Error ? error.message : String(error);
}

function findingsOf(check: string, name: string, found: ProbeFindings): Finding[] {
  const lines = findingLines(name, found);
  return [
    lines.length === 0
      ? { check, state: 'ok', message: `${name} takes what the run would send` }
      : {
          check,
          state: 'warn',
          message: `${name} takes what the run would send, with ${lines.join(', ')}`,
          fix: 'a run finds this out and uses it; add it to the spec to say it there',
        },
    ...found.notes.map((note): Finding => ({ check, state: 'ok', message: `${name}: ${note}` })),
  ];
}
