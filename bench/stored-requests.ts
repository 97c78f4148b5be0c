import { modelOf } from '../config/models-in-use';
import type { BatchItem, Exchange } from '../services/batches/batch-item';
import { extractionItems } from '../services/batches/steps/extraction';
import { judgmentItems } from '../services/batches/steps/judgment';
import { responseItems } from '../services/batches/steps/response';
import { templateOf } from '../services/batches/steps/template-of';
import { readReply } from '../services/endpoints/model-reply';
import { openStore } from '../services/runs/open-store';
import type { CallRecord } from '../stages/call-record';
import { extractStage } from '../stages/extract';
import { judgeStage } from '../stages/judge';
import { respondStage } from '../stages/respond';
import type { RunPlan } from '../stages/run-plan';
import type { OutputRef } from '../stages/stage';

/** What a call is for; a judge that is asked for its probabilities makes two for each judgment. */
export type CallKind = 'extract' | 'respond' | 'judge' | 'rate';

/** A call of a finished synthesis, as its server saw it. */
export interface ServedCall {
  readonly kind: CallKind;
  /** The whole prompt, rendered by the model's own chat template. */
  readonly prompt: string;
  /** Seconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly promptTokens: number;
  /** Of the prompt, found in the server's prefix cache. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

/** The calls of a finished synthesis, of which every model has its own chat template, in the order in which they began. */
export async function servedCalls({ store, runId }: { readonly store: string; readonly runId: string }): Promise<ServedCall[]> {
  const { plans, stages } = openStore(store);
  const run = await plans.findRun(runId);
  if (run === undefined) throw new Error(`${store} has no run "${runId}"`);
  const plan = await plans.load(run.plan);
  const { spec, content } = plan;
  const own = content.templates;
  const all: ServedCall[] = [];

  const add = async (output: OutputRef, items: readonly BatchItem<object>[], model: string, kind: CallKind): Promise<void> => {
    const manifest = await stages.findManifest(output);
    if (manifest === undefined) throw new Error(`run "${runId}" has not finished ${stages.folder(output.address)}`);
    const calls = await stages.readCalls(manifest);
    for (const item of items) all.push(...callsOf(plan, item, { calls, model, kind }));
  };

  for (const shard of plan.shards) {
    const extracted = extractStage.at(plan, shard);
    await add(extracted, extractionItems(spec, shard, { own }), spec.target.model, 'extract');
    const instructions = await stages.inputRows(extracted);
    for (const generator of spec.synthesis.respond.generators) {
      const answered = respondStage.at(plan, shard, generator);
      await add(answered, responseItems(spec, generator, instructions, own), generator, 'respond');
      const responses = await stages.inputRows(answered);
      for (const judge of spec.synthesis.judge.judges) {
        const items = judgmentItems(spec, judge, generator, { instructions, responses }, own);
        await add(judgeStage.at(plan, shard, judge, generator), items, judge, 'judge');
      }
    }
  }
  return all.sort((a, b) => a.start - b.start);
}

/** An item's calls, found by going its steps again with what came back. */
function callsOf(
  plan: RunPlan,
  item: BatchItem<object>,
  { calls: stored, model, kind }: { readonly calls: readonly CallRecord[]; readonly model: string; readonly kind: CallKind },
): ServedCall[] {
  const template = templateOf(plan.spec, model, plan.content.templates);
  const exchanges: Exchange[] = [];
  const calls: ServedCall[] = [];
  for (;;) {
    const step = item.next(exchanges);
    if (step.do === 'done') return calls;
    const record = stored.find((each) => each.item === item.id && each.call === exchanges.length);
    if (record?.reply === undefined) {
      throw new Error(`call ${exchanges.length} of ${item.id} by ${modelOf(plan.spec, model).model} has no reply`);
    }
    const body = step.request.body as { readonly prompt?: string; readonly messages?: Parameters<typeof template.renderPrompt>[0] };
    const end = Date.parse(record.at) / 1000;
    calls.push({
      kind: kind === 'judge' && exchanges.length % 2 === 1 ? 'rate' : kind,
      prompt: body.prompt ?? template.renderPrompt(body.messages ?? []),
      start: end - record.ms / 1000,
      end,
      ...tokensOf(record.reply),
    });
    exchanges.push({ reply: readReply(JSON.parse(record.reply), step.request.body), error: undefined });
  }
}

/** As the server counts them: llama.cpp in its timings, vLLM in the usage. */
function tokensOf(reply: string): Pick<ServedCall, 'promptTokens' | 'cachedTokens' | 'completionTokens'> {
  const { usage, timings } = JSON.parse(reply) as {
    readonly usage?: {
      readonly prompt_tokens: number;
      readonly completion_tokens: number;
      readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
    };
    readonly timings?: { readonly cache_n?: number };
  };
  if (usage === undefined) throw new Error('a reply tells no usage');
  return {
    promptTokens: usage.prompt_tokens,
    cachedTokens: timings?.cache_n ?? usage.prompt_tokens_details?.cached_tokens ?? 0,
    completionTokens: usage.completion_tokens,
  };
}
