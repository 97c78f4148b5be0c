import { ownAnswersRows, type OwnAnswersRow } from '../config/own-answers';
import type { PlanRef } from '../contract/run';
import { NO_CALLS } from '../method/cost';
import { hash32 } from '../method/hash';
import { promptId } from '../method/ids';
import { createRandom, shuffled } from '../method/random';
import type { Conversation, Instruction } from '../method/records';
import { conversationOf } from '../services/data/conversation-rows';
import { DataFileError } from '../services/data/data-file-error';
import { readJsonLines } from '../services/data/json-lines';
import { readPlacedRows } from '../services/data/placed-rows';
import { rawRowSchema } from '../services/python/python-protocol';
import { detailOf } from '../services/store/stored-output';
import { ownAnswersPlan } from '../stages/own-answers-plan';
import { promptsStage, type PromptsDetail } from '../stages/prompts';
import type { RunPlan } from '../stages/run-plan';
import type { ActivityDeps } from './deps';
import { runActivity, type ActivityScope } from './run-activity';

type PromptDeps = Pick<ActivityDeps, 'plans' | 'stages' | 'workspace' | 'python'>;

type Prompt = Pick<Instruction, 'text' | 'system'>;

interface Read {
  readonly prompts: readonly Prompt[];
  readonly detail: Omit<PromptsDetail, 'title' | 'prompts'>;
}

/** Rows of a hub set that are fetched beside those wanted, since some may hold no prompt. */
const TO_SPARE = { share: 0.25, rows: 100 };

/** Prompts of data sets, for rows of the target's own answers. */
export function createPromptsActivities(deps: ActivityDeps) {
  return {
    /** Makes sure that the prompts of all rows of own answers are in the store. */
    async drawPrompts(input: PlanRef): Promise<void> {
      await runActivity(deps, async (scope) => {
        await drawPrompts(deps, await deps.plans.load(input.plan), scope);
      });
    },
  };
}

/**
 * Draws the prompts of every row of own answers, by the run's seed: as many as instructions are asked for, or all that there are.
 * @returns how many, by row
 * @throws DataFileError for a set without a prompt
 */
export async function drawPrompts(deps: PromptDeps, plan: RunPlan, scope: ActivityScope): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const row of ownAnswersRows(plan.spec)) counts[row.name] = await drawSet(deps, plan, row, scope);
  return counts;
}

async function drawSet(deps: PromptDeps, plan: RunPlan, row: OwnAnswersRow, scope: ActivityScope): Promise<number> {
  const { stages } = deps;
  const counted = (prompts: number): RunPlan => ownAnswersPlan({ ...plan, prompts: { [row.name]: prompts } }, row.name);
  const summary = promptsStage.at(counted(0));
  const finished = await stages.find(summary);
  if (finished !== undefined && (await isWhole(deps, counted(detailOf(finished).prompts)))) return detailOf(finished).prompts;
  const { prompts, detail } = await readPrompts(deps, plan, row, scope);
  const own = counted(prompts.length);
  for (const shard of own.shards) {
    const rows = prompts
      .slice(shard.start, shard.end)
      .map((prompt, index): Instruction => ({
        id: promptId(shard.start + index),
        ...prompt,
        model: row.own.prompts.title,
        finishReason: null,
        seed: 0,
        attempts: 0,
        usage: null,
      }));
    await stages.findOrMake(promptsStage.at(own, shard), async () => await Promise.resolve({ rows, inputs: [] }));
  }
  const made = await stages.findOrMake(
    summary,
    async () =>
      await Promise.resolve({ rows: [], detail: { ...detail, title: row.own.prompts.title, prompts: prompts.length }, inputs: [] }),
  );
  return detailOf(made).prompts;
}

async function isWhole({ stages }: PromptDeps, own: RunPlan): Promise<boolean> {
  for (const shard of own.shards) if ((await stages.findManifest(promptsStage.at(own, shard))) === undefined) return false;
  return true;
}

async function readPrompts(deps: PromptDeps, plan: RunPlan, { name, own }: OwnAnswersRow, scope: ActivityScope): Promise<Read> {
  const { source, schema, title, path } = own.prompts;
  const most = plan.spec.synthesis.extract.instructions;
  const tally = new PromptTally();
  let revision: string | null = null;
  let licence = own.licence;
  if (source.from === 'files') {
    for (const file of source.files) {
      for await (const { row, problem } of readPlacedRows(file)) {
        scope.stop.throwIfAborted();
        if (problem === undefined) tally.add(row, schema);
        else tally.refuse('not readable');
      }
    }
  } else {
    const result = await deps.python.run({
      command: 'datasets',
      stop: scope.stop,
      onEvent: (event) => {
        if (event.type !== 'progress') return;
        scope.heartbeat({
          ...NO_CALLS,
          stage: 'replay',
          model: name,
          part: 'all',
          done: event.done,
          total: event.total,
          note: event.phase,
        });
      },
      spec: {
        source,
        schema: { kind: 'raw' },
        count: Math.ceil(most * (1 + TO_SPARE.share)) + TO_SPARE.rows,
        seed: plan.spec.seed,
        outputDir: deps.workspace.path(
          `${deps.stages.folder(promptsStage.at(ownAnswersPlan({ ...plan, prompts: { [name]: 0 } }, name)).address)}/job`,
        ),
      },
    });
    revision = result.revision;
    licence ??= result.licence;
    for await (const { row } of readJsonLines(result.conversations)) tally.add(rawRowSchema.parse(row).row, schema);
  }
  if (tally.prompts.length === 0) {
    const reasons = Object.entries(tally.malformed).map(([reason, rows]) => `${reason} (${rows})`);
    throw new DataFileError(
      title,
      `none of its ${tally.read} rows has a prompt that the target can be asked${reasons.length === 0 ? '' : `: ${reasons.join(', ')}`}`,
      `check ${path} and its schema`,
    );
  }
  const drawn = shuffled(tally.prompts, createRandom(hash32(`${plan.spec.seed}|prompts`))).slice(0, most);
  return { prompts: drawn, detail: { read: tally.read, malformed: tally.malformed, revision, licence } };
}

/** Prompts of a set's rows, and what the others lack. */
class PromptTally {
  readonly prompts: Prompt[] = [];
  readonly malformed: Record<string, number> = {};
  read = 0;

  add(row: unknown, schema: OwnAnswersRow['own']['prompts']['schema']): void {
    const { conversation, problem } = conversationOf(row, schema);
    if (problem !== undefined) {
      this.refuse(`${problem.path.replace(/\d+/g, 'N')}: no ${problem.expected}`);
      return;
    }
    const prompt = promptIn(conversation);
    if (typeof prompt === 'string') {
      this.refuse(prompt);
      return;
    }
    this.read++;
    this.prompts.push(prompt);
  }

  refuse(reason: string): void {
    this.read++;
    this.malformed[reason] = (this.malformed[reason] ?? 0) + 1;
  }
}

/** The system message of a conversation and the first turn of its user; else why the target cannot be asked it. */
function promptIn({ messages, tools }: Omit<Conversation, 'id'>): Prompt | string {
  if (tools !== undefined) return 'with tools, which the target is not given';
  const [first, ...rest] = messages;
  const system = first?.role === 'system' ? first.content : undefined;
  const asked = system === undefined ? first : rest[0];
  if (asked?.role !== 'user') return 'does not begin with a user';
  return { text: asked.content, ...(system === undefined || system === '' ? {} : { system }) };
}
