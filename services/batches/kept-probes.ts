import { modelOf, modelsInUse } from '../../config/models-in-use';
import type { FindingsByModel, ProbeFindings } from '../../config/probe-findings';
import type { RunSpec } from '../../config/spec';
import { canonicalJson } from '../../method/canonical-json';
import { addCosts, NO_COST, type Cost } from '../../method/cost';
import { costOf } from '../../planning/price';
import { sha256 } from '../../stages/sha256';
import type { Endpoints } from '../endpoints/endpoints';
import type { ArtifactStore } from '../store/artifact-store';
import { probeModel } from './probe';
import { probeRequests } from './probe-requests';
import type { OwnTemplates } from './steps/template-of';

/** Raised when the code of a probe finds or reads something else. */
const VERSION = 2;
const KEY_DIGITS = 20;

export interface KeptProbesOptions {
  readonly endpoints: Pick<Endpoints, 'client' | 'mendsOf'>;
  /** Where findings are kept for later runs; without it each is made again. */
  readonly store?: ArtifactStore;
  /** The chat templates that were read for the run. */
  readonly templates?: OwnTemplates;
  /** Whether a model need not be asked, since it has shown what it takes. */
  readonly isKnown?: (name: string) => boolean;
  /** A model that the run serves, and where: it alone is asked. Without it, all others are. */
  readonly served?: { readonly model: string; readonly baseURL: string };
  readonly signal: AbortSignal;
}

/** What was found of the models that were asked, and what asking has cost, whoever asked. */
export interface ProbedModels {
  readonly findings: FindingsByModel;
  readonly cost: Cost;
}

/**
 * What the endpoints of a spec want otherwise: of each model that a stage calls, from the store where it was asked the same before, else
 * by asking.
 * @throws PermanentEndpointError where a model cannot do what the spec wants of it; what the client and the store throw
 */
export async function probeModels(spec: RunSpec, options: KeptProbesOptions): Promise<ProbedModels> {
  const { served } = options;
  const names = served === undefined ? modelsInUse(spec).filter((name) => modelOf(spec, name).serve === undefined) : [served.model];
  const isAsked = (name: string): boolean => options.isKnown?.(name) !== true;
  const found = await Promise.all(
    names.map(async (name) => ({ name, found: isAsked(name) ? await keptOrAsked(spec, name, options) : await kept(spec, name, options) })),
  );
  return {
    findings: Object.fromEntries(
      found.flatMap((each) => (each.found !== undefined && isAsked(each.name) ? [[each.name, each.found]] : [])),
    ),
    cost: found
      .map((each) => (each.found?.usage === undefined ? NO_COST : costOf(each.found.usage, modelOf(spec, each.name).price)))
      .reduce(addCosts, NO_COST),
  };
}

/** What an earlier run found; undefined where none has asked the same. */
async function kept(spec: RunSpec, name: string, { store, templates }: KeptProbesOptions): Promise<ProbeFindings | undefined> {
  const found = await store?.read(pathOf(spec, name, templates));
  return found === undefined ? undefined : (JSON.parse(found.toString('utf8')) as ProbeFindings);
}

function pathOf(spec: RunSpec, name: string, templates: OwnTemplates): string {
  return `probes/${keyOf(spec, name, templates)}.json`;
}

async function keptOrAsked(spec: RunSpec, name: string, options: KeptProbesOptions): Promise<ProbeFindings> {
  const found = await kept(spec, name, options);
  if (found !== undefined) return found;
  const { endpoints, store, templates, served, signal } = options;
  const baseURL = served?.baseURL ?? modelOf(spec, name).baseURL;
  const findings = await probeModel({
    endpoints,
    spec: { ...spec, models: { ...spec.models, [name]: { ...modelOf(spec, name), baseURL } } },
    name,
    templates,
    signal,
  });
  await store?.write(pathOf(spec, name, templates), `${JSON.stringify(findings, null, 2)}\n`);
  return findings;
}

/** Of the endpoint, how requests to it are made, and what they ask for; the seed says nothing. */
function keyOf(spec: RunSpec, name: string, templates: OwnTemplates): string {
  const { baseURL, model, request = {}, serve } = modelOf(spec, name);
  const asked = probeRequests(spec, name, templates).map(({ wants, request: { path, body } }) => ({
    wants,
    path,
    body: { ...body, seed: 0 },
  }));
  return sha256(canonicalJson({ version: VERSION, baseURL, model, request, asked, ...(serve === undefined ? {} : { serve }) })).slice(
    0,
    KEY_DIGITS,
  );
}
