import { modelOf } from '../config/models-in-use';
import type { RunSpec } from '../config/spec';
import { sampleInstructions } from '../services/batches/sample-instructions';
import { Endpoints } from '../services/endpoints/endpoints';
import { engineAt } from '../services/endpoints/engine';
import type { SpecFilesReport } from '../services/runs/spec-files';

const ENGINE_TIMEOUT_MS = 10_000;
/** Instructions that are shown, and how long a server may take for them. */
const SAMPLES = 3;
const SAMPLES_TIMEOUT_MS = 60_000;
const LONGEST_SAMPLE = 300;

interface SampleCheck {
  readonly what: 'sample' | 'note';
  readonly ok: boolean;
  readonly message: string;
}

/** What comes back for the bare pre-query template: the quickest way to see that a format is not the model's. */
export async function sampleChecks(spec: RunSpec, own: SpecFilesReport['templates']): Promise<SampleCheck[]> {
  const { model: name } = spec.target;
  const model = modelOf(spec, name);
  if (model.template === undefined && own[name] === undefined) return [];
  const endpoints = new Endpoints(process.env);
  try {
    const isFormatRead = own[name] !== undefined;
    const engine = isFormatRead ? await engineAt({ name, model, env: process.env, timeoutMs: ENGINE_TIMEOUT_MS }) : undefined;
    const found = await sampleInstructions(spec, {
      client: endpoints.client(name, model),
      count: SAMPLES,
      signal: AbortSignal.timeout(SAMPLES_TIMEOUT_MS),
      own,
      engine,
    });
    return found.map((sample): SampleCheck =>
      'text' in sample
        ? { what: 'sample', ok: true, message: `it wrote: ${JSON.stringify(shortened(sample.text))}` }
        : { what: 'sample', ok: true, message: `it wrote nothing that can be used: ${sample.reason}` },
    );
  } catch (error) {
    return [
      {
        what: 'note',
        ok: true,
        message: `no instruction was written to look at: ${error instanceof Error ? error.message : String(error)}`,
      },
    ];
  } finally {
    await endpoints.close();
  }
}

function shortened(text: string): string {
  return text.length <= LONGEST_SAMPLE ? text : `${text.slice(0, LONGEST_SAMPLE)}…`;
}
