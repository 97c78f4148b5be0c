import { selectionRules } from '../config/selection-rules';
import { ownAnswersTitle, type OwnAnswers, type ReplaySource, type ReplayDataset } from '../config/variants';
import type { PlanRef } from '../contract/run';
import { byInstruction } from '../method/by-instruction';
import type { Conversation } from '../method/records';
import { conversationOf, selectBest, withThoughts } from '../method/selection';
import { readJsonLines } from '../services/data/json-lines';
import { drawnConversationSchema } from '../services/python/python-protocol';
import { detailOf } from '../services/store/stored-output';
import { instructionOutputs } from '../stages/filter';
import { judgeStage } from '../stages/judge';
import { ownAnswersPlan } from '../stages/own-answers-plan';
import { promptsStage } from '../stages/prompts';
import { replayStage, type ReplaySetDetail } from '../stages/replay';
import { respondStage } from '../stages/respond';
import { planVariant, type RunPlan } from '../stages/run-plan';
import type { OutputRef } from '../stages/stage';
import type { ActivityDeps } from './deps';
import { firstResponses } from './first-responses';
import { keepsThoughts, thoughtsOf } from './kept-thoughts';
import { mixtureBase } from './mixture-base';
import { ownConversations } from './own-conversations';
import { phaseBeats } from './phase-beats';
import { readInstructions } from './read-instructions';
import { runActivity, type ActivityScope } from './run-activity';

interface Loaded {
  readonly rows: readonly Conversation[];
  readonly detail: ReplaySetDetail;
  readonly inputs: readonly OutputRef[];
}

/** Replay sets other than the method's: the two ablations, from what is stored, and public data sets. */
export function createReplaySetActivities(deps: ActivityDeps) {
  const { stages, workspace } = deps;

  async function load(plan: RunPlan, variant: string, source: ReplaySource, scope: ActivityScope): Promise<Loaded> {
    switch (source.kind) {
      case 'first-response':
        return await unfiltered(plan, { thoughts: keepsThoughts(plan, variant) });
      case 'target-best':
        return await bestOfTarget(plan, { thoughts: keepsThoughts(plan, variant) });
      case 'own-answers':
        return await ownAnswers(plan, variant, source);
      case 'dataset':
        return await drawDataset(plan, variant, source, scope);
      case 'method':
      case 'none':
      case 'interpolate':
        throw new Error(`the variant "${variant}" needs no replay set of its own`);
    }
  }

  /** Section 3.4 of the paper: "the responses generated directly by the target model without … filtering". */
  async function unfiltered(plan: RunPlan, kept: { readonly thoughts: boolean }): Promise<Loaded> {
    const target = plan.spec.target.model;
    const { truncated } = plan.spec.synthesis.select;
    const rows: Conversation[] = [];
    const inputs: OutputRef[] = [];
    for (const shard of plan.shards) {
      inputs.push(...instructionOutputs(plan, shard), respondStage.at(plan, shard, target));
      const first = await firstResponses(stages, plan, shard, kept);
      rows.push(...(truncated === 'drop' ? first.filter(({ cut = false }) => !cut) : first));
    }
    return { rows, inputs, detail: ablation('first-response', `first response of ${target}, unfiltered`, rows.length) };
  }

  /** Section 3.4: the target model's responses alone, the best of them by its own scores. */
  async function bestOfTarget(plan: RunPlan, { thoughts }: { readonly thoughts: boolean }): Promise<Loaded> {
    const target = plan.spec.target.model;
    const { respond, select } = plan.spec.synthesis;
    const rows: Conversation[] = [];
    const inputs: OutputRef[] = [];
    for (const shard of plan.shards) {
      const from = [respondStage.at(plan, shard, target), judgeStage.at(plan, shard, target, target)] as const;
      inputs.push(...instructionOutputs(plan, shard), ...from);
      const instructions = await readInstructions(stages, plan, shard);
      const all = await stages.inputRows(from[0]);
      const responses = byInstruction(all);
      const reasoning = thoughts ? thoughtsOf(all) : new Map<string, string>();
      const judgments = byInstruction(await stages.inputRows(from[1]));
      for (const instruction of instructions) {
        const result = selectBest({
          instruction,
          responses: responses.get(instruction.id) ?? [],
          judgments: judgments.get(instruction.id) ?? [],
          judges: [target],
          expectedResponses: respond.samples,
          ...selectionRules(select, 1),
          seed: plan.spec.seed,
        });
        if ('replay' in result) rows.push(withThoughts(conversationOf(result.replay), reasoning.get(result.replay.responseId)));
      }
    }
    return {
      rows,
      inputs,
      detail: ablation('target-best', `best of ${respond.samples} responses of ${target}, judged by itself`, rows.length),
    };
  }

  /** The prompts of a data set with the target's own answers. */
  async function ownAnswers(plan: RunPlan, variant: string, { pick, prompts }: OwnAnswers): Promise<Loaded> {
    const { rows, inputs } = await ownConversations(stages, plan, variant);
    const summary = detailOf(await stages.input(promptsStage.at(ownAnswersPlan(plan, variant))));
    return {
      rows,
      inputs,
      detail: {
        kind: 'own-answers',
        title: ownAnswersTitle({ pick, prompts }),
        rows: rows.length,
        read: summary.read,
        malformed: summary.malformed,
        revision: summary.revision,
        licence: summary.licence,
      },
    };
  }

  /** As many conversations as the mixture needs, drawn by the run's seed. */
  async function drawDataset(
    plan: RunPlan,
    variant: string,
    { title, source, schema, licence }: ReplayDataset,
    scope: ActivityScope,
  ): Promise<Loaded> {
    const { stop, heartbeat } = scope;
    const { plan: base, inputs } = await mixtureBase(deps, plan, scope);
    const { newShare } = planVariant(plan, variant);
    const count = newShare === base.requestedShare ? base.replayCount : base.total - Math.round(base.total * newShare);
    const result = await deps.python.run({
      command: 'datasets',
      stop,
      onEvent: phaseBeats(heartbeat, { stage: 'replay', model: variant }),
      spec: {
        source,
        schema,
        count,
        seed: plan.spec.seed,
        outputDir: workspace.path(`${stages.folder(replayStage.at(plan, variant).address)}/job`),
      },
    });
    const rows = await readRows(result.conversations);
    return {
      rows,
      inputs,
      detail: {
        kind: 'dataset',
        title,
        rows: rows.length,
        read: result.read,
        malformed: result.malformed,
        trailingUserTurnsCut: result.trailingUserTurnsCut,
        revision: result.revision,
        licence: licence ?? result.licence,
      },
    };
  }

  return {
    /** Makes the replay set of a variant that does not use the method's. */
    async loadReplaySet(input: PlanRef & { readonly variant: string }): Promise<ReplaySetDetail> {
      return await runActivity(deps, async (scope) => {
        const plan = await deps.plans.load(input.plan);
        const { replay } = planVariant(plan, input.variant);
        if (replay === null) throw new Error(`the variant "${input.variant}" is only evaluated`);
        return detailOf(
          await stages.findOrMake(replayStage.at(plan, input.variant), async () => await load(plan, input.variant, replay, scope)),
        );
      });
    },
  };
}

function ablation(kind: 'first-response' | 'target-best', title: string, rows: number): ReplaySetDetail {
  return { kind, title, rows, read: rows, malformed: {}, revision: null, licence: null };
}

async function readRows(path: string): Promise<Conversation[]> {
  const rows: Conversation[] = [];
  for await (const { row } of readJsonLines(path)) rows.push(drawnConversationSchema.parse(row));
  return rows;
}
