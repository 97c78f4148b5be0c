import { ensureModel } from '../services/local/local-model';
import { ensurePython } from '../services/local/python-environment';
import { consoleReporter } from '../services/local/setup-reporter';
import { ensureTemporal } from '../services/local/temporal-server';

export interface SetUp {
  readonly temporal: string;
  readonly python: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly gguf: string;
  readonly weightsDir: string;
}

/** Gets everything that a run on this machine needs; what is there already costs nothing. */
export async function setUp(): Promise<SetUp> {
  const reporter = consoleReporter();
  // Side by side: one compiles where it must, the other downloads.
  const [temporal, model] = await Promise.all([
    ensureTemporal(reporter),
    ensurePython(reporter).then(async (python) => ({ ...python, ...(await ensureModel(reporter, python)) })),
  ]);
  return { temporal: temporal.path, python: model.python, env: model.env, gguf: model.gguf, weightsDir: model.weightsDir };
}
