import { ensureModel } from '../services/local/local-model';
import { ensurePython, type PythonEnvironment } from '../services/local/python-environment';
import { consoleReporter } from '../services/local/setup-reporter';
import { CliError } from './terminal/errors';

/** The Python environment of this machine, set up where it is not. */
export async function localPython(): Promise<PythonEnvironment> {
  return await ensurePython(consoleReporter());
}

/** Directory of a builtin model's weights. @throws CliError for a name that is none */
export async function builtinWeights(name: string): Promise<string> {
  if (name !== 'smollm2-135m-instruct') {
    throw new CliError(`builtin:${name} is unknown`, { hint: 'the one builtin model is builtin:smollm2-135m-instruct' });
  }
  return (await ensureModel(consoleReporter(), await localPython())).weightsDir;
}
