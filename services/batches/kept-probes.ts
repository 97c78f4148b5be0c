import { modelOf, modelsInUse } from '../../config/models-in-use';
import type { FindingsByModel, ProbeFindings } from '../../config/probe-findings';
import type { RunSpec } from '../../config/spec';
import { canonicalJson } from '../../method/canonical-json';
import { sha256 } from '../../stages/sha256';
import type { Endpoints } from '../endpoints/endpoints';
import type { ArtifactStore } from '../store/artifact-store';
import { probeModel } from './probe';
import { probeRequests } from './probe-requests';
import type { OwnTemplates } from './steps/template-of';

/** Raised when the code of a probe finds or reads something else. */
const VERSION = 1;
const KEY_DIGITS = 20;

export interface KeptProbesOptions {
  readonly endpoints: Pick<Endpoints, 'client' | 'mendsOf'>;
  /** Where findings are kept for later runs; without it each is made again. */
  readonly store?: ArtifactStore;
  /** The chat templates that were read for the run. */
  readonly templates?: OwnTemplates;
  /** Whether a model need not be asked, since it has shown what it takes. */
  readonly isKnown?: (name: string) => boolean;
  readonly signal: AbortSignal;
}

/**
 * What the endpoints of a spec want otherwise: of each model that a stage calls, from the store where it was asked the same before, else
 * by asking. A model that the run serves has no address yet; its engine is known.
 * @throws PermanentEndpointError where a model cannot do what the spec wants of it; what the client and the store throw
 */
export async function probeModels(spec: RunSpec, options: KeptProbesOptions): Promise<FindingsByModel> {
  const names = modelsInUse(spec).filter((name) => modelOf(spec, name).serve === undefined && options.isKnown?.(name) !== true);
  const found = await Promise.all(
    names.map(async (name): Promise<[string, ProbeFindings]> => [name, await keptOrAsked(spec, name, options)]),
  );
  return Object.fromEntries(found);
}

async function keptOrAsked(
  spec: RunSpec,
  name: string,
  { endpoints, store, templates, signal }: KeptProbesOptions,
): Promise<ProbeFindings> {
  const path = `probes/${keyOf(spec, name, templates)}.json`;
  const kept = await store?.read(path);
  if (kept !== undefined) return JSON.parse(kept.toString('utf8')) as ProbeFindings;
  const findings = await probeModel({ endpoints, spec, name, templates, signal });
  await store?.write(path, `${JSON.stringify(findings, null, 2)}\n`);
  return findings;
}

/** Of the endpoint, how requests to it are made, and what they ask for; the seed says nothing. */
function keyOf(spec: RunSpec, name: string, templates: OwnTemplates): string {
  const { baseURL, model, request = {} } = modelOf(spec, name);
  const asked = probeRequests(spec, name, templates).map(({ wants, request: { path, body } }) => ({
    wants,
    path,
    body: { ...body, seed: 0 },
  }));
  return sha256(canonicalJson({ version: VERSION, baseURL, model, request, asked })).slice(0, KEY_DIGITS);
}
