import type { ModelSpec, RunSpec } from '../../config/spec';
import { SpecError } from '../../config/spec-errors';
import { trains } from '../../config/until';
import { missingModel, servedModels } from '../../services/endpoints/endpoint-check';
import { queryOf } from '../../services/endpoints/wire-request';
import { onlyLook, NotSetUpError } from '../../services/local/only-look';
import { ensurePython } from '../../services/local/python-environment';
import { createPythonJobs, PythonJobError } from '../../services/python/python-jobs';
import { checkSpecFiles, loadSpecFile, type SpecFilesReport } from '../../services/runs/spec-files';
import { checkTaskNames, otherTasks } from '../../services/training/task-names';
import { templateNotes, templateLine } from '../template-notes';
import type { Finding } from './finding';

const ENDPOINT_TIMEOUT_MS = 10_000;

/** A spec, its files and keys, and each endpoint that it names. */
export async function checkSpec(
  file: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly spec?: RunSpec; readonly templates?: SpecFilesReport['templates']; readonly findings: Finding[] }> {
  const check = 'spec';
  let spec: RunSpec;
  try {
    spec = await loadSpecFile(file);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return { findings: error.message.split('\n').map((message): Finding => ({ check, state: 'fail', message })) };
  }
  const { errors, warnings, templates, unreached } = await checkSpecFiles(spec, { env });
  return {
    spec,
    templates,
    findings: [
      ...(errors.length === 0 ? [{ check, state: 'ok', message: `${file}: its files and keys are there` } as const] : []),
      ...errors.map((message): Finding => ({ check, state: 'fail', message })),
      ...[...warnings, ...unreached].map((message): Finding => ({ check, state: 'warn', message })),
      ...templateNotes(spec, { templates })
        .filter(({ from }) => from !== null)
        .map((note): Finding => ({ check: `template ${note.model}`, state: 'ok', message: templateLine(note) })),
      ...(await checkEndpoints(spec, env)),
      ...(await checkTasks(spec)),
    ],
  };
}

/** Names of tasks other than the leaderboard's, where the Python environment is here to ask. */
async function checkTasks(spec: RunSpec): Promise<Finding[]> {
  const check = 'tasks';
  const tasks = trains(spec) ? otherTasks(spec) : [];
  if (tasks.length === 0) return [];
  try {
    const environment = await ensurePython(onlyLook);
    const python = createPythonJobs({ environment: async () => await Promise.resolve(environment) });
    await checkTaskNames(python, tasks, { stop: new AbortController().signal, onEvent: () => undefined });
    return [{ check, state: 'ok', message: `lm-evaluation-harness has ${tasks.join(', ')}` }];
  } catch (error) {
    if (error instanceof NotSetUpError) {
      return [
        {
          check,
          state: 'warn',
          message: `${tasks.join(', ')}: not looked up, since the Python environment is not here`,
          fix: 'a gpu worker looks them up when the run starts',
        },
      ];
    }
    if (error instanceof PythonJobError) {
      return [{ check, state: 'fail', message: error.message, fix: 'correct evaluate.tasks in the spec' }];
    }
    throw error;
  }
}

/** Each endpoint is asked once, whatever the number of models behind it. */
async function checkEndpoints({ models, target }: RunSpec, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const isOurs = target.weights?.startsWith('builtin:');
  const endpoints = new Map<string, [string, ModelSpec][]>();
  for (const [name, model] of Object.entries(models)) {
    if (model.serve !== undefined) continue; // nothing runs yet
    const key = JSON.stringify([model.baseURL, model.apiKeyEnv, model.request?.headersEnv, model.request?.query]);
    endpoints.set(key, [...(endpoints.get(key) ?? []), [name, model]]);
  }
  const findings = [...endpoints.values()].map(async (served): Promise<Finding[]> => {
    const model = served[0]?.[1];
    if (model === undefined) return [];
    const apiKey = model.apiKeyEnv === undefined ? undefined : env[model.apiKeyEnv];
    const headers = Object.fromEntries(
      Object.entries(model.request?.headersEnv ?? {}).flatMap(([header, variable]) => {
        const value = env[variable];
        return value === undefined || value === '' ? [] : [[header, value]];
      }),
    );
    const query = queryOf(model.request);
    const reply = await servedModels({ baseURL: model.baseURL, apiKey, headers, query, timeoutMs: ENDPOINT_TIMEOUT_MS });
    return served.map(([name, { model: id, baseURL }]): Finding => {
      const check = `model ${name}`;
      if ('problem' in reply) {
        return {
          check,
          state: reply.unlisted === true ? 'warn' : 'fail', // Azure's deployments have an address each, and no list there
          message: reply.problem,
          fix: isOurs ? `"npx rehearse dev" serves it on this machine; else ${reply.hint}` : reply.hint,
        };
      }
      const missing = missingModel(id, reply.ids);
      if (missing === null) return { check, state: 'ok', message: `${id} at ${baseURL}` };
      return { check, state: 'warn', message: missing.problem, fix: missing.hint }; // some gateways serve what they do not list
    });
  });
  return (await Promise.all(findings)).flat();
}
