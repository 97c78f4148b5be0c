import { earlyJudging } from '../../config/early-judging';
import { selectionRules } from '../../config/selection-rules';
import { activeQuality } from '../../config/spec-quality';
import { extractionHealth, isTruncated, type ExtractionHealth } from '../../method/extraction-health';
import { neutralizer } from '../../method/neutral-text';
import type { Failure, Instruction, Judgment, ReplayRow, Response } from '../../method/records';
import { isCut, meanScores, selectBest } from '../../method/selection';
import { isSkipped, settledJudgments } from '../../method/skipped';
import { formatOf } from '../../services/batches/steps/template-of';
import type { StageStore } from '../../services/store/stage-store';
import type { StoredOutput } from '../../services/store/stored-output';
import { extractStage } from '../../stages/extract';
import { filterStage } from '../../stages/filter';
import { judgmentOutputs } from '../../stages/judge-keys';
import { type Shard } from '../../stages/planned';
import { respondStage } from '../../stages/respond';
import { type RunPlan } from '../../stages/run-plan';
import { selectStage } from '../../stages/select';
import type { Output } from '../../stages/stage';
import { ExamplePicker, type Example } from './examples';
import type { FailureTally } from './failure-reasons';
import { QualityTally, type QualityReport } from './quality-report';
import { ScoreTally, type ScoreReport } from './score-tally';
import { SkipTally, type SkipReport } from './skip-tally';
import type { StageGroup, StageLedger } from './stage-ledger';

/** Items of one kind: what was asked for is what came, what was lost and what is not settled yet. */
export interface Balance {
  readonly asked: number;
  readonly made: number;
  readonly lost: number;
  /** Parts that are not made yet. */
  readonly pending: number;
}

export interface SynthesisReport {
  readonly instructions: {
    readonly asked: number;
    readonly extracted: number;
    readonly lostAtExtraction: number;
    /** By the filters, where the spec has any. */
    readonly dropped: number;
    readonly lostAtSelection: number;
    readonly kept: number;
    /** Not extracted yet, or not selected yet. */
    readonly pending: number;
  };
  /** Of the instructions extracted so far, and kept by the filters. */
  readonly responses: Balance;
  /** Of the responses made so far; `made` are those with a score. */
  readonly judgments: Balance;
  readonly scores: ScoreReport;
  /** Texts with control tokens or headers of turns in them, which models were shown as neutral copies. */
  readonly markup: { readonly instructions: number; readonly responses: number };
  /** Where responses that cannot win are not judged. */
  readonly skips?: SkipReport;
  /** Null where the spec has no filters. */
  readonly quality: QualityReport | null;
  /** What the extracted texts are like; null while there are none. */
  readonly health: ExtractionHealth | null;
  /** Kept rows that choosing again from the stored judgments gives, and all kept rows that were checked. */
  readonly recomputed: { readonly equal: number; readonly checked: number };
  readonly examples: readonly Example[];
}

/** A stage output, current or, failing that, the newest there is. */
export async function findOutput<Row extends object, Detail>(
  stages: StageStore,
  output: Output<Row, Detail>,
): Promise<{ readonly found: StoredOutput<Row, Detail> | undefined; readonly outdated: boolean }> {
  const current = await stages.find(output);
  if (current !== undefined) return { found: current, outdated: false };
  return { found: await stages.latest(output), outdated: true };
}

/** Reads the synthesis shard by shard; memory holds one shard, the sums, and the extracted texts. */
export async function reportSynthesis({
  stages,
  plan,
  ledger,
  failureTally,
}: {
  readonly stages: StageStore;
  readonly plan: RunPlan;
  readonly ledger: StageLedger;
  readonly failureTally: FailureTally;
}): Promise<SynthesisReport> {
  const { spec } = plan;
  const { extract, respond, judge, select } = spec.synthesis;
  const { generators, samples } = respond;
  const { judges } = judge;
  const scores = new ScoreTally({
    judges,
    generators,
    scoring: judge.scoring,
    seed: spec.seed,
    responses: extract.instructions * generators.length * samples,
  });
  const picker = new ExamplePicker({ count: spec.report.examples, seed: spec.seed, generators, samples, judges });
  const instructions = {
    asked: plan.shards.length === 0 ? 0 : extract.instructions,
    extracted: 0,
    lostAtExtraction: 0,
    dropped: 0,
    lostAtSelection: 0,
    kept: 0,
  };
  const responses = { asked: 0, made: 0, lost: 0 };
  const judgments = { asked: 0, made: 0, lost: 0 };
  const early = earlyJudging(spec);
  const skips = early === undefined ? undefined : new SkipTally(early, spec.seed);
  const rules = activeQuality(spec);
  const quality = rules === undefined ? undefined : new QualityTally(rules);
  const recomputed = { equal: 0, checked: 0 };
  const markup = { instructions: 0, responses: 0 };
  const format = formatOf(spec, spec.target.model, plan.content.templates);
  const neutral = neutralizer(format?.structure ?? [], format?.knowsTokens === true);
  const marked = (rows: readonly { readonly text: string }[]): number => rows.filter(({ text }) => neutral(text).changed > 0).length;
  const texts: Pick<Instruction, 'text' | 'finishReason'>[] = [];
  let truncated = 0;

  async function read<Row extends object>(
    output: Output<Row>,
    who: Pick<StageGroup, 'model' | 'generator'> = { model: '' },
  ): Promise<{ rows: Row[]; failures: Failure[] } | undefined> {
    const { found, outdated } = await findOutput(stages, output);
    ledger.add({ ...who, stage: output.stage.name, key: output.address.key }, found?.manifest, outdated);
    if (found === undefined) return undefined;
    const failures = await stages.readFailures(found.manifest);
    failureTally.add(failures);
    return { rows: await stages.readRows(found), failures };
  }

  async function addShard(shard: Shard): Promise<void> {
    const extracted = await read(extractStage.at(plan, shard), { model: spec.target.model });
    const answered = quality === undefined ? (extracted?.rows ?? []) : await readKept(shard, extracted?.rows ?? [], quality);
    const answers: Response[] = [];
    const verdicts: Judgment[] = [];
    const missing = new Map<string, Failure>();
    for (const generator of generators) {
      const part = await read(respondStage.at(plan, shard, generator), { model: generator });
      if (part === undefined) continue;
      answers.push(...part.rows);
      responses.lost += part.failures.length;
      for (const failure of part.failures) missing.set(failure.id, failure);
    }
    for (const name of judges) {
      for (const generator of generators) {
        const rows: Judgment[] = [];
        for (const output of judgmentOutputs(plan, shard, name, generator)) {
          rows.push(...((await read(output, { model: name, generator }))?.rows ?? []));
        }
        verdicts.push(...settledJudgments(rows));
      }
    }
    const selected = await read(selectStage.at(plan, shard));

    for (const { text, finishReason } of extracted?.rows ?? []) texts.push({ text, finishReason });
    truncated += (extracted?.failures ?? []).filter(isTruncated).length;
    instructions.extracted += extracted?.rows.length ?? 0;
    instructions.lostAtExtraction += extracted?.failures.length ?? 0;
    instructions.lostAtSelection += selected?.failures.length ?? 0;
    instructions.kept += selected?.rows.length ?? 0;
    responses.asked += answered.length * generators.length * samples;
    responses.made += answers.length;
    judgments.asked += answers.length * judges.length;
    judgments.made += verdicts.filter(({ score }) => score !== null).length;
    const asked = verdicts.filter((verdict) => !isSkipped(verdict));
    judgments.lost += asked.filter(({ score }) => score === null).length;
    scores.addJudgments(asked);
    markup.instructions += marked(answered);
    markup.responses += marked(answers);

    const byInstruction = {
      answers: grouped(answers),
      verdicts: grouped(verdicts),
      kept: new Map((selected?.rows ?? []).map((row) => [row.instructionId, row])),
    };
    for (const instruction of answered) addInstruction(instruction, byInstruction, missing, selected !== undefined);
  }

  /** The instructions of a shard that the filters kept; none while it is not filtered. */
  async function readKept(shard: Shard, extracted: readonly Instruction[], tally: QualityTally): Promise<Instruction[]> {
    const verdicts = await read(filterStage.at(plan, shard));
    tally.add(verdicts?.rows ?? [], extracted);
    instructions.dropped += verdicts?.failures.length ?? 0;
    const kept = new Set((verdicts?.rows ?? []).filter((verdict) => verdict.kept).map(({ instructionId }) => instructionId));
    return extracted.filter(({ id }) => kept.has(id));
  }

  function addInstruction(
    instruction: Instruction,
    rows: { readonly answers: Map<string, Response[]>; readonly verdicts: Map<string, Judgment[]>; readonly kept: Map<string, ReplayRow> },
    failures: ReadonlyMap<string, Failure>,
    isSelected: boolean,
  ): void {
    const input = { responses: rows.answers.get(instruction.id) ?? [], judgments: rows.verdicts.get(instruction.id) ?? [], judges };
    const selection = isSelected
      ? selectBest({
          instruction,
          ...input,
          expectedResponses: generators.length * samples,
          seed: spec.seed,
          ...selectionRules(select, judges.length),
        })
      : undefined;
    const kept = rows.kept.get(instruction.id);
    // Where responses were left out, what is scored in full is the better part: only the random sample speaks for all.
    const speaksForAll = skips?.add(instruction.id, input.judgments, kept !== undefined) ?? true;
    if (speaksForAll) scores.addMeans(instruction.id, selection?.means ?? meanScores(input));
    const again = selection !== undefined && 'replay' in selection ? selection : undefined;
    if (kept !== undefined) scores.addKept({ model: kept.model, meanScore: kept.meanScore, tied: again?.tied ?? false, cut: isCut(kept) });
    if (kept !== undefined || again !== undefined) {
      recomputed.checked++;
      if (kept !== undefined && kept.responseId === again?.replay.responseId && kept.meanScore === again.replay.meanScore) {
        recomputed.equal++;
      }
    }
    picker.offer({ instruction, responses: input.responses, judgments: input.judgments, failures, selection });
  }

  for (const shard of plan.shards) await addShard(shard);
  const settled = instructions.kept + instructions.lostAtExtraction + instructions.dropped + instructions.lostAtSelection;
  return {
    instructions: { ...instructions, pending: instructions.asked - settled },
    responses: { ...responses, pending: responses.asked - responses.made - responses.lost },
    judgments: { ...judgments, pending: judgments.asked - judgments.made - judgments.lost - (skips?.skipped ?? 0) },
    scores: scores.result(),
    markup,
    ...(skips === undefined ? {} : { skips: skips.result() }),
    quality: quality?.result() ?? null,
    health: texts.length + truncated === 0 ? null : extractionHealth(texts, truncated),
    recomputed,
    examples: picker.result(),
  };
}

function grouped<Row extends { readonly instructionId: string }>(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.instructionId);
    if (group === undefined) groups.set(row.instructionId, [row]);
    else group.push(row);
  }
  return groups;
}
