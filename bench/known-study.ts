import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureModel } from '../services/local/local-model';
import { cacheDir } from '../services/local/paths';
import { ensurePython } from '../services/local/python-environment';
import { consoleReporter } from '../services/local/setup-reporter';
import { askHiddenQuestions, makeClosedModel, studyFiles, type ClosedLoss } from './known-study/closed-model';
import { collectCosts, collectStage, modelsOf } from './known-study/collect';
import { documentFile, readDocuments, removeOtherRows, writeLines } from './known-study/documents';
import { knownTable } from './known-study/known-table';
import { renderTable } from './known-study/render-table';
import { hiddenSet, type HiddenPair } from './known-study/skills';
import { runStudy, storedStudyRun } from './known-study/study-run';
import { baseSpec, closedSpec, FULL, ROW_NAMES, TINY, type StudySize } from './known-study/study-spec';

const USAGE = `usage: npm run study:known -- [--losses all|answers|both] [--seeds 1] [--rows a,b] [--minutes N] [--dir FOLDER] [--keep] [--tiny]

The study with a known answer: a small model is trained on a hidden set of our own making (with its loss on all tokens, and on answers
alone) and called closed; then the method and its rivals are tried on it, with the set out of sight. docs/known-study.md says what came of it.

Each part is kept as soon as it is made. Ctrl-C, or --minutes, stops at once; the same command goes on. What was extracted and answered lies
as JSON lines in FOLDER/LOSS-SEED, beside the table; the runs' stores (gigabytes) are removed at the end unless --keep is given.
Rows: ${ROW_NAMES.join(', ')}. --tiny shows in minutes that it works, and measures nothing.`;

const FIRST_SEED = 42;
const LOSSES: Readonly<Record<string, readonly ClosedLoss[]>> = { all: ['all'], answers: ['answers'], both: ['all', 'answers'] };

/** --minutes are over. */
class TimeUp extends Error {}

interface Study {
  readonly folder: string;
  readonly size: StudySize;
  readonly keep: boolean;
  readonly signal: AbortSignal;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      losses: { type: 'string', default: 'all' },
      seeds: { type: 'string', default: '1' },
      rows: { type: 'string' },
      minutes: { type: 'string' },
      dir: { type: 'string' },
      keep: { type: 'boolean', default: false },
      tiny: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [losses, seeds, minutes] = [LOSSES[values.losses], Number(values.seeds), Number(values.minutes ?? 0)];
  const size = values.tiny ? TINY : FULL;
  const rows = values.rows?.split(',') ?? size.rows;
  const unknown = rows.filter((row) => !ROW_NAMES.includes(row));
  if (values.help || losses === undefined || !(seeds >= 1) || !(minutes >= 0) || unknown.length > 0) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('stopped'))).once('SIGTERM', () => stop.abort(new Error('stopped')));
  if (minutes > 0) setTimeout(() => stop.abort(new TimeUp()), minutes * 60_000).unref();
  const folder = resolve(values.dir ?? join(cacheDir(), values.tiny ? 'known-study-tiny' : 'known-study'));
  const study: Study = { folder, size: { ...size, rows }, keep: values.keep, signal: stop.signal };
  try {
    for (let index = 0; index < seeds; index++) {
      for (const loss of losses) await studyOne(study, loss, FIRST_SEED + index);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    say(`stopped, and kept in ${folder}; the same command goes on`);
    process.exitCode = stop.signal.reason instanceof TimeUp ? 0 : 130;
  }
}

/** All parts of one closed model, and its table. */
async function studyOne(study: Study, loss: ClosedLoss, seed: number): Promise<void> {
  const { size } = study;
  const folder = join(study.folder, `${loss}-${seed}`);
  mkdirSync(folder, { recursive: true });
  if (readDocuments(folder, size.rows) === undefined) await makeDocuments(study, folder, loss, seed);
  const documents = readDocuments(folder, size.rows)!;
  const table = knownTable(documents, seed);
  writeFileSync(join(folder, 'table.json'), `${JSON.stringify(table, null, 1)}\n`);
  writeFileSync(join(folder, 'table.md'), `${renderTable(table)}\n`);
  console.log(`\nloss on ${loss === 'all' ? 'all tokens' : 'answers alone'}, seed ${seed}\n\n${renderTable(table)}\n`);
  if (!study.keep) for (const big of ['run', 'closed', 'closed.gguf']) rmSync(join(folder, big), { recursive: true, force: true });
}

/** Everything that the table is computed from. */
async function makeDocuments({ folder: all, size, signal }: Study, folder: string, loss: ClosedLoss, seed: number): Promise<void> {
  const name = `${loss}-${seed}`;
  const stack = join(folder, 'run');
  removeOtherRows(folder, size.rows, existsSync(stack));
  const hidden = hiddenSet(size.perSkill, seed);
  writeLines(documentFile(folder, 'hidden'), hidden);
  const reporter = consoleReporter();
  const python = await ensurePython(reporter);
  const base = await ensureModel(reporter, python);
  const files = studyFiles(folder);
  await part(`${name}: the base, which never saw the set`, documentFile(folder, 'base'), async () => {
    const alone = join(all, `base-${seed}`);
    const spec = baseSpec({ weights: base.weightsDir, gguf: base.gguf }, size, seed);
    await collectStage(await runStudy(alone, `base-${seed}`, spec, signal), folder, 'instructions', 'base');
  });
  const asking = { folder, python, signal, onLine: (line: string) => say(line) };
  await part(`${name}: the closed model`, files.gguf, async () => {
    await makeClosedModel({ ...asking, loss, seed, steps: size.closedSteps, base: base.weightsDir });
  });
  writeLines(files.oracle, hidden.map(conversationOf));
  const spec = closedSpec(files, size, seed);
  await part(`${name}: extraction, answers, rows`, documentFile(folder, 'rows'), async () => {
    const run = await runStudy(stack, `known-${name}`, spec, signal);
    await collectStage(run, folder, 'instructions', 'instructions');
    await collectStage(run, folder, 'replay', 'replay');
    await collectStage(run, folder, 'losses', 'losses');
    await collectCosts(run, folder);
  });
  say(`${name}: the hidden questions`);
  await askHiddenQuestions(await modelsOf(await storedStudyRun(stack, `known-${name}`), files.closed), asking);
}

/** Makes what is not there yet. */
async function part(what: string, made: string, make: () => Promise<void>): Promise<void> {
  if (existsSync(made)) return;
  say(what);
  await make();
}

function conversationOf({ id, question, answer }: HiddenPair): unknown {
  return {
    id,
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ],
  };
}

function say(what: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${what}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
