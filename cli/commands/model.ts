import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import prettyBytes from 'pretty-bytes';
import { pushRepository } from '../../export/push-repository';
import { GGUF_TYPES, writeGguf, type GgufType } from '../../services/local/gguf-converter';
import { consoleReporter } from '../../services/local/setup-reporter';
import { openStore } from '../../services/runs/open-store';
import { CHECKPOINT_FOLDER } from '../../services/store/stage-files';
import { trainStage } from '../../stages/train';
import { hubDestination } from '../exports/hub-destination';
import { localPython } from '../local-weights';
import { loadStoredRun } from '../runs/stored-run';
import { UsageError } from '../terminal/errors';
import { plainText, printJson } from '../terminal/output';
import { chat } from '../trained/chat';
import { modelFiles, writeModelFolder } from '../trained/model-folder';
import { checkpointFolder, trainedModel } from '../trained/trained-model';

interface ModelOptions {
  readonly variant?: string;
  readonly out?: string;
  readonly push?: string;
  readonly private?: boolean;
  readonly gguf?: string;
  readonly ggufType: GgufType;
  readonly chat?: boolean;
  readonly prompt?: string;
  readonly maxTokens: number;
  readonly json?: boolean;
}

/** `rehearse model`: what a run has trained. */
export function registerModel(program: Command): void {
  program
    .command('model')
    .description('say where a trained model is; copy it with its card, push it, write it as GGUF, or ask it and the official one the same')
    .argument('<id>', 'run id')
    .option('--variant <name>', 'row whose model is meant (default: method, else the first that is trained)')
    .option('--out <folder>', 'copy the checkpoint and its card there')
    .option('--push <owner/name>', 'put both on the hub, as a commit of that model; the token comes from HF_TOKEN')
    .option('--private', 'with --push: the model is private')
    .option('--gguf <file>', "write it as one GGUF file, with llama.cpp's own converter")
    .addOption(new Option('--gguf-type <type>', 'with --gguf: how it stores weights').choices([...GGUF_TYPES]).default('f16'))
    .option('--chat', 'ask the official and the trained model what you type, and show both answers side by side')
    .option('--prompt <text>', 'with --chat: ask this, and end')
    .option('--max-tokens <n>', 'with --chat: most tokens of an answer', tokens, 256)
    .option('--json', 'print where it is, or the answers of --prompt, as JSON')
    .addHelpText(
      'after',
      `
Needs no server. Each file is checked against what was stored; of a bucket, it is fetched to this machine first.
--chat runs both models on this machine's GPU, else its CPU, with their own chat templates and greedily, so that the same question has the
same answer. Both stay in memory where they take less than half of it, else they take turns. Prompts may come from a pipe, one a line.
GGUF files of fewer bits are made from --gguf-type f16 by llama.cpp: llama-quantize model.gguf model-Q4_K_M.gguf Q4_K_M

Example: npx rehearse model demo --chat --prompt "What is a list in Python?"`,
    )
    .action(async (id: string, options: ModelOptions) => {
      await runModel(id, options);
    });
}

function tokens(value: string): number {
  const count = Number(value);
  if (!Number.isInteger(count) || count < 1 || count > 131_072) throw new InvalidArgumentError('Give a whole number of tokens from 1.');
  return count;
}

async function runModel(id: string, options: ModelOptions): Promise<void> {
  const { out, push, gguf, prompt, json = false, private: isPrivate = false } = options;
  if (prompt !== undefined && options.chat !== true) throw new UsageError('--prompt is what --chat asks', { hint: 'add --chat' });
  if (isPrivate && push === undefined) throw new UsageError('--private says how --push is done', { hint: 'add --push OWNER/NAME' });
  const destination = push === undefined ? undefined : hubDestination(push, isPrivate, 'model', 'my-team/my-model');
  const opened = openStore();
  const { plan } = await loadStoredRun(opened.plans, id);
  const model = await trainedModel(opened, id, plan, options.variant);
  const { name } = model.variant;
  if (options.chat === true) {
    await chat({ opened, plan, model, prompt, maxTokens: options.maxTokens, json });
    return;
  }
  if (out !== undefined) {
    await writeModelFolder({ opened, id, plan, model, folder: resolve(out) });
    process.stderr.write(`rehearse: wrote the model of ${name} and its card to ${plainText(resolve(out))}\n`);
  }
  if (destination !== undefined) {
    const scratch = await mkdtemp(join(tmpdir(), 'rehearse-model-'));
    try {
      const files = await modelFiles({ opened, id, plan, model }, scratch);
      const title = `Model of run ${id}, row ${name}`;
      const { url, commit, existed } = await pushRepository({ type: 'model', ...destination, files, title });
      const made = existed ? '' : `; a new ${isPrivate ? 'private' : 'public'} model`;
      process.stderr.write(`rehearse: pushed to ${url} (commit ${plainText(commit)}${made})\n`);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  if (gguf !== undefined) {
    if (!gguf.endsWith('.gguf')) throw new UsageError(`"${gguf}" is no name of a GGUF file`, { hint: 'end it with .gguf' });
    const checkpoint = await checkpointFolder(opened, plan, model);
    const file = resolve(gguf);
    await writeGguf({ checkpoint, file, type: options.ggufType, python: await localPython(), reporter: consoleReporter() });
    process.stderr.write(`rehearse: wrote ${plainText(file)}\n`);
  }
  if (out !== undefined || destination !== undefined || gguf !== undefined) return;
  const provider = model.training.kind === 'fine-tuning' ? model.training.model : null;
  const place = provider ?? opened.store.location(`${opened.stages.folder(trainStage.at(plan, name).address)}/${CHECKPOINT_FOLDER}`);
  const bytes = model.files.reduce((sum, file) => sum + file.bytes, 0);
  if (json) {
    printJson({
      runId: id,
      variant: name,
      place,
      provider: provider !== null,
      bytes,
      files: model.files.map(({ file, sha256 }) => ({ file, sha256 })),
    });
    return;
  }
  process.stdout.write(`${plainText(place)}\n`);
  if (provider === null) process.stderr.write(`rehearse: ${name}: ${model.files.length} files, ${prettyBytes(bytes)}\n`);
}
