import { selectionRules } from '../config/selection-rules';
import { instructionId, judgmentId, responseId } from '../method/ids';
import { createRandom } from '../method/random';
import type { Instruction, Judgment, ReplayRow, Response } from '../method/records';
import { selectBest } from '../method/selection';
import type { OpenStore } from '../services/runs/open-store';
import { noCalls } from '../services/store/stage-store';
import { stageKeys } from '../stages/chain';
import { extractStage } from '../stages/extract';
import { judgeStage } from '../stages/judge';
import { partition, type Shard } from '../stages/planned';
import { respondStage } from '../stages/respond';
import { type RunPlan } from '../stages/run-plan';
import { selectStage } from '../stages/select';
import { answerText, instructionText, judgeText } from './endpoint-texts';
import { paperRunSpec } from './paper-run';

const COMMON = { seed: 1, attempts: 1, usage: { promptTokens: 300, completionTokens: 120 } };
const FIXED = { failures: [], stats: noCalls('2026-01-01T00:00:00Z'), inputs: [] };
/** The length of answers is that of the endpoint of the scale benchmark, by its default. */
const ANSWER = { minWords: 30, maxWords: 150 };

/** Writes the synthesis of config/paper.yaml as the scale benchmark leaves it, with the same texts, but without an endpoint and its calls. */
export async function writeViewStore(opened: OpenStore, folder: string, runId: string, instructions: number): Promise<RunPlan> {
  const spec = await paperRunSpec({ instructions, baseURL: 'http://127.0.0.1:9/v1', folder });
  const content = {
    newData: 'a'.repeat(64),
    weights: 'b'.repeat(64),
    evaluation: spec.evaluate.tasks.map(() => 'c'.repeat(64)),
    replayFiles: {},
  };
  const plan: RunPlan = { spec, content, keys: stageKeys(spec, content), shards: partition(instructions, spec.synthesis.shardSize) };
  const hash = await opened.plans.save(plan);
  await opened.plans.saveRun({ runId, plan: hash, startedAt: '2026-01-01T00:00:00Z', warnings: [] });
  for (const shard of plan.shards) await writeShard(opened, plan, shard);
  return plan;
}

async function writeShard({ stages }: OpenStore, plan: RunPlan, shard: Shard): Promise<void> {
  const { synthesis, seed, target } = plan.spec;
  const { generators, samples } = synthesis.respond;
  const { judges } = synthesis.judge;
  const random = createRandom(1 + shard.index);
  const text = (json: string): string => JSON.parse(`"${json}"`) as string;
  const instructions = Array.from({ length: shard.end - shard.start }, (_, at): Instruction => ({
    id: instructionId(shard.start + at),
    text: text(instructionText(random).json),
    model: target.model,
    finishReason: 'stop',
    ...COMMON,
  }));
  await stages.commit(extractStage.at(plan, shard), { rows: instructions, ...FIXED });
  const responses: Response[] = [];
  const judgments: Judgment[] = [];
  for (const generator of generators) {
    const rows = instructions.flatMap(({ id }) =>
      Array.from({ length: samples }, (_, sample): Response => ({
        id: responseId(id, generator, sample),
        instructionId: id,
        model: generator,
        sample,
        text: text(answerText(random, ANSWER).json),
        finishReason: random.below(50) === 0 ? 'length' : 'stop',
        ...COMMON,
      })),
    );
    responses.push(...rows);
    await stages.commit(respondStage.at(plan, shard, generator), { rows, ...FIXED });
    for (const judge of judges) {
      const given = rows.map((response): Judgment => {
        const raw = text(judgeText(random).json);
        return {
          id: judgmentId(response.id, judge),
          responseId: response.id,
          instructionId: response.instructionId,
          judge,
          score: Number(raw.at(-1)),
          scoredBy: 'text',
          raw,
          ...COMMON,
        };
      });
      judgments.push(...given);
      await stages.commit(judgeStage.at(plan, shard, judge, generator), { rows: given, ...FIXED });
    }
  }
  const byInstruction = <Row extends { readonly instructionId: string }>(rows: readonly Row[]): Map<string, Row[]> => {
    const groups = new Map<string, Row[]>();
    for (const row of rows) groups.set(row.instructionId, [...(groups.get(row.instructionId) ?? []), row]);
    return groups;
  };
  const [answers, scores] = [byInstruction(responses), byInstruction(judgments)];
  const kept = instructions.flatMap((instruction): ReplayRow[] => {
    const result = selectBest({
      instruction,
      judges,
      expectedResponses: generators.length * samples,
      ...selectionRules(synthesis.select, judges.length),
      seed,
      responses: answers.get(instruction.id)!,
      judgments: scores.get(instruction.id)!,
    });
    return 'replay' in result ? [result.replay] : [];
  });
  await stages.commit(selectStage.at(plan, shard), { rows: kept, ...FIXED });
}
