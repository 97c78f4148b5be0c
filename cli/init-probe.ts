import { findingLines, type ProbedSettings } from '../config/probe-findings';
import type { RunSpec } from '../config/spec';
import { probeModel } from '../services/batches/probe';
import { PermanentEndpointError } from '../services/endpoints/endpoint-errors';
import { Endpoints } from '../services/endpoints/endpoints';
import type { SpecFilesReport } from '../services/runs/spec-files';

const TIMEOUT_MS = 60_000;

/** What a new spec's model wants otherwise, and what to say of it. */
export interface InitProbe {
  readonly settings: ProbedSettings;
  readonly checks: readonly { readonly what: 'endpoint' | 'note'; readonly ok: boolean; readonly message: string }[];
}

/** Asks the model of a new spec what a run will ask of it, with the key of this environment. */
export async function probeForInit(spec: RunSpec, templates: SpecFilesReport['templates']): Promise<InitProbe> {
  const { model: name } = spec.target;
  const endpoints = new Endpoints(process.env);
  try {
    const found = await probeModel({ endpoints, spec, name, templates, signal: AbortSignal.timeout(TIMEOUT_MS) });
    return {
      settings: found.settings,
      checks: [
        ...findingLines(name, found).map((line) => ({ what: 'note' as const, ok: true, message: `written into the spec: ${line}` })),
        ...found.notes.map((note) => ({ what: 'note' as const, ok: true, message: `${name}: ${note}` })),
      ],
    };
  } catch (error) {
    // Where there is no such path, the sample instructions say so.
    if (error instanceof PermanentEndpointError && error.failure?.kind !== 'not_found') {
      return { settings: {}, checks: [{ what: 'endpoint', ok: false, message: error.message }] };
    }
    return { settings: {}, checks: [] };
  } finally {
    await endpoints.close();
  }
}
