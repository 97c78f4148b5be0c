import type { Judgment } from '../../method/records';
import { isSkipped, settledJudgments } from '../../method/skipped';
import { shardOutputs } from '../../stages/chain';
import type { RunIndex } from '../index/run-index';
import { rowsTable, shardFiles, type ShardStage } from '../index/shard-files';

export interface DetailedJudgment {
  readonly judge: string;
  readonly score: number | null;
  readonly reason: string | null;
  readonly raw: string | null;
  readonly reasoning: string | null;
  readonly skipped: boolean;
}

export interface DetailedAnswer {
  readonly id: string;
  readonly generator: string;
  readonly sample: number;
  readonly text: string | null;
  readonly reasoning: string | null;
  readonly finish: string | null;
  readonly mean: number | null;
  readonly kept: boolean;
  /** Why there is none. */
  readonly missing: string | null;
  readonly judgments: readonly DetailedJudgment[];
}

export interface InstructionDetail {
  readonly id: string;
  readonly text: string | null;
  /** Before it: some prompts of data sets have one. */
  readonly system: string | null;
  readonly reasoning: string | null;
  readonly finish: string | null;
  readonly model: string | null;
  readonly dropped: string | null;
  readonly language: string | null;
  readonly state: string;
  readonly spread: number | null;
  readonly topic: { readonly topic: number; readonly terms: readonly string[] } | null;
  /** By generator, then by sample, in the order of the spec. */
  readonly answers: readonly DetailedAnswer[];
  readonly failures: readonly { readonly stage: string; readonly id: string; readonly model: string | null; readonly reason: string }[];
}

/** An instruction with all that was written about it, from the Parquet of its shard; undefined when the index has none of that id. */
export async function instructionDetail(index: RunIndex, id: string): Promise<InstructionDetail | undefined> {
  const [item] = await index.rows<{
    shard: number;
    dropped: string | null;
    language: string | null;
    state: string;
    spread: number | null;
    winner: string | null;
    topic: number | null;
    terms: string[] | null;
  }>(
    (s) => `
      SELECT i.shard, i.dropped, i.language, i.state, i.spread, i.winner, t.topic, t.terms
      FROM ${s}.items i LEFT JOIN ${s}.places p ON p.item = i.id LEFT JOIN ${s}.topics t ON t.topic = p.topic WHERE i.id = $id`,
    { id },
  );
  if (item === undefined) return undefined;
  const { plan, opened } = index;
  const { synthesis } = plan.spec;
  const shard = plan.shards[item.shard];
  if (shard === undefined) return undefined;
  const outputs = shardOutputs(plan, shard).map(({ address }) => address);
  const { rows } = await shardFiles(opened.stages, index.files, [{ shard: item.shard, outputs, signature: '' }]);
  const read = async <Row>(stage: ShardStage, column: string): Promise<Row[]> =>
    rows[stage].length === 0
      ? []
      : await index.rows<Row>(() => `SELECT * FROM ${rowsTable(stage, rows[stage])} WHERE ${column} = $id`, { [stage]: rows[stage], id });

  const [instruction] = await read<StoredInstruction>('extract', 'id');
  const responses = await read<StoredResponse>('respond', 'instructionId');
  const judgments = settledJudgments(await read<Judgment>('judge', 'instructionId'));
  const failures = await index.rows<InstructionDetail['failures'][number]>(
    (s) => `SELECT stage, id, model, reason FROM ${s}.failures WHERE item = $id ORDER BY id, stage`,
    { id },
  );
  return {
    id,
    text: instruction?.text ?? null,
    system: instruction?.system ?? null,
    reasoning: instruction?.reasoning ?? null,
    finish: instruction?.finishReason ?? null,
    model: instruction?.model ?? null,
    dropped: item.dropped,
    language: item.language,
    state: item.state,
    spread: item.spread,
    topic: item.topic === null ? null : { topic: item.topic, terms: item.terms ?? [] },
    failures,
    answers: synthesis.respond.generators.flatMap((generator) =>
      Array.from({ length: synthesis.respond.samples }, (_, sample): DetailedAnswer => {
        const answerId = `${id}:${generator}:${sample}`;
        const response = responses.find((each) => each.id === answerId);
        const given = judgments.filter(({ responseId }) => responseId === answerId);
        const scores = given.flatMap(({ score }) => (score === null ? [] : [score]));
        return {
          id: answerId,
          generator,
          sample,
          text: response?.text ?? null,
          reasoning: response?.reasoning ?? null,
          finish: response?.finishReason ?? null,
          mean: scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length,
          kept: item.winner === answerId,
          missing: response === undefined ? (failures.find((each) => each.id === answerId)?.reason ?? 'not answered yet') : null,
          judgments: synthesis.judge.judges.flatMap((judge) => given.filter((each) => each.judge === judge).map(detailed)),
        };
      }),
    ),
  };
}

interface StoredInstruction {
  readonly text: string;
  readonly system?: string | null;
  readonly reasoning?: string | null;
  readonly finishReason: string | null;
  readonly model: string;
}

interface StoredResponse {
  readonly id: string;
  readonly text: string;
  readonly reasoning?: string | null;
  readonly finishReason: string | null;
}

function detailed(row: Judgment): DetailedJudgment {
  const { judge, score, reason, raw, reasoning } = row;
  return {
    judge,
    score,
    reason: reason ?? null,
    raw,
    reasoning: reasoning ?? null,
    skipped: isSkipped({ score, reason: reason ?? undefined }),
  };
}
