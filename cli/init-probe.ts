import { findingLines, type ProbedSettings, type ProbeFindings } from '../config/probe-findings';
import type { RunSpec } from '../config/spec';
import { probeModel, UnfitEndpointError } from '../services/batches/probe';
import { PermanentEndpointError } from '../services/endpoints/endpoint-errors';
import { Endpoints } from '../services/endpoints/endpoints';
import type { ModelFailure } from '../services/endpoints/model-errors';
import type { SpecFilesReport } from '../services/runs/spec-files';
import { whyNotAsked } from './doctor/check-probes';

const TIMEOUT_MS = 60_000;

/** What a new spec's model wants otherwise, and what to say of it. */
export interface InitProbe {
  /** Whether the endpoint knows the model, whatever it said. */
  readonly isKnown: boolean;
  readonly settings: ProbedSettings;
  readonly checks: readonly { readonly what: 'endpoint' | 'note'; readonly ok: boolean; readonly message: string }[];
}

/** Asks the model of a new spec what a run will ask of it, with the key of this environment. */
export async function probeForInit(spec: RunSpec, templates: SpecFilesReport['templates']): Promise<InitProbe> {
  const { model: name } = spec.target;
  const endpoints = new Endpoints(process.env);
  let last: ModelFailure | undefined;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const found = await probeModel({ endpoints, spec, name, templates, signal, onTransient: (fault) => (last = fault) });
    return {
      isKnown: true,
      settings: found.settings,
      checks: [...written(name, found), ...found.notes.map((note) => ({ what: 'note' as const, ok: true, message: `${name}: ${note}` }))],
    };
  } catch (error) {
    if (!(error instanceof PermanentEndpointError)) {
      return {
        isKnown: false,
        settings: {},
        checks: [{ what: 'note', ok: true, message: `${name} was not asked what it takes: ${whyNotAsked(error, last)}` }],
      };
    }
    const settings = error instanceof UnfitEndpointError ? error.settings : {};
    return {
      isKnown: Object.keys(settings).length > 0 || (error.failure !== undefined && !['not_found', 'auth'].includes(error.failure.kind)),
      settings,
      checks: [...written(name, { settings, notes: [] }), { what: 'endpoint', ok: false, message: error.message }],
    };
  } finally {
    await endpoints.close();
  }
}

function written(name: string, found: ProbeFindings): InitProbe['checks'] {
  return findingLines(name, found).map((line) => ({ what: 'note', ok: true, message: `written into the spec: ${line}` }));
}
