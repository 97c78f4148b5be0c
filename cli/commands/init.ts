import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, join } from 'node:path';
import type { Command } from 'commander';
import { initText, type InitAnswers } from '../../config/init-text';
import { parseSpecText } from '../../config/load-spec';
import { withFindings, type ProbedSettings } from '../../config/probe-findings';
import { missingModel, servedModels } from '../../services/endpoints/endpoint-check';
import { checkSpecFiles, configFolder } from '../../services/runs/spec-files';
import { probeForInit, type InitProbe } from '../init-probe';
import { askMissing } from '../init-questions';
import { sampleChecks } from '../init-samples';
import { templateLine, templateNotes } from '../template-notes';
import { CliError, UsageError } from '../terminal/errors';
import { plainText, printJson } from '../terminal/output';

interface InitOptions {
  readonly baseUrl?: string;
  readonly model?: string;
  readonly weights?: string;
  readonly newData?: string;
  readonly template?: string;
  readonly tokenizer?: string;
  readonly apiKeyEnv?: string;
  readonly instructions: string;
  readonly force?: boolean;
  readonly check: boolean;
  readonly json?: boolean;
}

const DEFAULT_BASE_URL = 'http://127.0.0.1:8000/v1';
const CHECK_TIMEOUT_MS = 10_000;

/** `rehearse init`: writes a commented spec for the user's own model and data, and checks that both can be reached. */
export function registerInit(program: Command): void {
  program
    .command('init')
    .description('write a commented spec for your own model and data, and check that both can be reached; asks for what no option says')
    .argument('[file]', 'spec to write', 'rehearse.yaml')
    .option('--base-url <url>', `OpenAI-compatible API that serves the model (default: ${DEFAULT_BASE_URL})`)
    .option('--model <id>', 'model id that the API knows')
    .option('--weights <where>', 'weights for training: a directory or a hub id (default: the model id)')
    .option('--new-data <file>', 'JSONL file of your SFT data')
    .option('--template <name>', "chat format by name (default: the model's own chat template)")
    .option(
      '--tokenizer <where>',
      "where the model's own chat template is read: a directory, a hub id or a GGUF file (default: the weights)",
    )
    .option('--api-key-env <name>', 'environment variable that holds the API key')
    .option('--instructions <count>', 'instructions to extract', '1000')
    .option('--force', 'write over a file that is there')
    .option('--no-check', 'do not ask the API, do not read the data')
    .option('--json', 'print {file, ok, checks} as JSON')
    .action(async (name: string, options: InitOptions) => {
      const file = resolve(name);
      if (existsSync(file) && !options.force) {
        throw new CliError(`${name} is there already`, { hint: 'give another name, or --force to write over it' });
      }
      const answers = await collectAnswers(file, options);
      const text = initText(answers);
      const spec = parseSpecText(text, { folder: dirname(file), file: name });
      await write(file, name, text, options.force === true);
      const { checks, settings } = options.check ? await runChecks(spec, answers) : UNCHECKED;
      if (Object.keys(settings).length > 0) await write(file, name, initText({ ...answers, settings }), true);
      report(name, checks, options.json === true);
    });
}

const UNCHECKED: Checked & Pick<InitProbe, 'isKnown'> = { isKnown: false, checks: [], settings: {} };

/** What was looked at, and what the endpoint wants otherwise. */
interface Checked {
  readonly checks: readonly Check[];
  readonly settings: ProbedSettings;
}

/** One thing that was looked at, and what to do when it is not well. */
interface Check {
  readonly what: 'endpoint' | 'files' | 'template' | 'sample' | 'note';
  readonly ok: boolean;
  readonly message: string;
}

async function collectAnswers(file: string, options: InitOptions): Promise<InitAnswers> {
  const instructions = Number(options.instructions);
  const given =
    process.stdin.isTTY && process.stderr.isTTY
      ? await askMissing(options, { defaultBaseUrl: DEFAULT_BASE_URL, apiKey: keyOf(options.apiKeyEnv), timeoutMs: CHECK_TIMEOUT_MS })
      : options;
  const missing = [given.model === undefined ? '--model' : '', given.newData === undefined ? '--new-data' : ''].filter(
    (flag) => flag !== '',
  );
  if (given.model === undefined || given.newData === undefined) {
    throw new UsageError(`${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`, {
      hint: 'without a terminal to ask in, say it with options: rehearse init --model ID --new-data FILE',
    });
  }
  if (!Number.isInteger(instructions) || instructions < 1) {
    throw new UsageError(`--instructions is "${options.instructions}"`, { hint: 'give a positive whole number, such as 1000' });
  }
  const folder = dirname(file);
  const weights = given.weights ?? given.model;
  return {
    baseURL: given.baseUrl ?? DEFAULT_BASE_URL,
    model: given.model,
    apiKeyEnv: given.apiKeyEnv,
    ...(given.template === undefined ? {} : { template: given.template }),
    ...(given.tokenizer === undefined ? {} : { tokenizer: placeFrom(folder, given.tokenizer) }),
    weights: placeFrom(folder, weights),
    newData: fromFolder(folder, given.newData),
    instructions,
    schema: fromFolder(folder, join(configFolder(), 'run-spec.schema.json')),
  };
}

/** A hub id stays; a path becomes one as seen from the spec's folder. */
function placeFrom(folder: string, place: string): string {
  return isFolder(place) ? fromFolder(folder, place) : place;
}

function isFolder(weights: string): boolean {
  return isAbsolute(weights) || /^\.\.?(\/|$)/.test(weights) || existsSync(weights);
}

/** A path as the spec says it: absolute ones stay, others are as seen from the spec's folder and begin with a dot. */
function fromFolder(folder: string, path: string): string {
  const near = relative(folder, resolve(path));
  if (isAbsolute(path) && near.startsWith('..')) return path;
  return near.startsWith('.') ? near : `./${near}`;
}

async function write(file: string, name: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: force ? 'w' : 'wx' });
  } catch (cause) {
    throw new CliError(`${name} cannot be written (${cause instanceof Error ? cause.message : String(cause)})`, {
      hint: 'name a file in a folder that exists and is yours',
      cause,
    });
  }
}

async function runChecks(spec: ReturnType<typeof parseSpecText>, answers: InitAnswers): Promise<Checked> {
  const served = await servedModels({ baseURL: answers.baseURL, apiKey: keyOf(answers.apiKeyEnv), timeoutMs: CHECK_TIMEOUT_MS });
  const missing = 'problem' in served ? null : missingModel(answers.model, served.ids);
  const { errors, warnings, counts, templates, unreached } = await checkSpecFiles(spec, { env: process.env });
  const probe = 'problem' in served ? UNCHECKED : await probeForInit(spec, templates);
  // Deployments and routes (`model:provider`) answer without being listed.
  const fault = 'problem' in served ? served : probe.isKnown ? null : missing;
  const checks: Check[] = [
    fault === null
      ? {
          what: 'endpoint',
          ok: true,
          message: `${answers.baseURL} serves ${answers.model}${missing === null ? '' : ', though it does not list it'}`,
        }
      : { what: 'endpoint', ok: false, message: `${fault.problem}; ${fault.hint}` },
    ...errors.map((message): Check => ({ what: 'files', ok: false, message })),
    ...(errors.length === 0
      ? [{ what: 'files', ok: true, message: `${answers.newData} has ${counts.newExamples} conversations` } as const]
      : []),
    ...templateNotes(spec, { templates })
      .filter(({ from }) => from !== null)
      .map((note): Check => ({ what: 'template', ok: true, message: templateLine(note) })),
    ...(fault === null ? probe.checks : []),
    ...(fault === null && probe.checks.every(({ ok }) => ok)
      ? await sampleChecks(withFindings(spec, { [spec.target.model]: { ...probe, notes: [] } }), templates)
      : []),
    ...[...warnings, ...unreached].map((message): Check => ({ what: 'note', ok: true, message })),
  ];
  return { checks, settings: probe.settings };
}

function report(name: string, checks: readonly Check[], json: boolean): void {
  const failed = checks.filter(({ ok }) => !ok);
  if (json) printJson({ file: name, ok: failed.length === 0, checks });
  else {
    process.stdout.write(`wrote ${name}\n`);
    for (const { what, ok, message } of checks) {
      process.stdout.write(`  ${what === 'note' ? 'note' : ok ? 'ok  ' : 'FAIL'}  ${plainText(message)}\n`);
    }
    process.stdout.write(`next: npx rehearse plan ${name}\nthen: npx rehearse start ${name} --id my-run --wait\n`);
  }
  if (failed.length > 0) {
    throw new CliError(`${name} is written, but ${failed.length === 1 ? 'one check' : `${failed.length} checks`} failed`, {
      hint: 'fix what is marked FAIL, then see: npx rehearse plan ' + name,
    });
  }
}

function keyOf(name: string | undefined): string | undefined {
  return name === undefined ? undefined : process.env[name];
}
