import { isLeaderboardTask } from '../../config/evaluation-splits';
import { variantsOf } from '../../config/variants';
import { normalizeScore } from '../../method/forgetting';
import { hash32 } from '../../method/hash';
import { createRandom } from '../../method/random';
import { noCalls } from '../../services/store/stage-store';
import { evaluateStage } from '../../stages/evaluate';
import type { SampleRow } from '../../stages/evaluate-task';
import { mixStage } from '../../stages/mix';
import { type ReplaySetDetail, replayStage } from '../../stages/replay';
import { trainStage } from '../../stages/train';
import { writeSampleRun, type SampleRun, type SampleRunOptions } from './sample-run';

export interface ComparedRunOptions extends SampleRunOptions {
  /** Of each task. */
  readonly documents?: number;
  /** Parts of the right answers that each variant forgets, and of the wrong ones that it learns; without one, drawn by its name. */
  readonly forgets?: Readonly<Record<string, readonly [number, number]>>;
}

const BEFORE = { mmlu_pro: 0.42, gpqa: 0.36, ifeval: 0.7, math_level_5: 0.2 } as const;

/** The sample run with every variant of its spec trained and evaluated. */
export async function writeComparedRun({ documents = 60, forgets = {}, ...options }: ComparedRunOptions): Promise<SampleRun> {
  const run = await writeSampleRun({ ...options, until: 'mix' });
  const { stages, plan } = run;
  const stats = noCalls('2026-11-03T09:20:00Z');
  const mixture = (await stages.latest(mixStage.at(plan, 'method')))!;
  const rows = await stages.readRows(mixture);
  for (const { name, replay, newShare } of variantsOf(plan.spec)) {
    const random = createRandom(hash32(name));
    if (replay !== null) {
      const keys = plan.keys.variants[name]!;
      if (keys.replay !== undefined) {
        await stages.commit(replayStage.at(plan, name), {
          rows: rows.map(({ source: _source, ...row }) => row),
          failures: [],
          stats,
          inputs: [],
          detail: {
            kind: replay.kind as ReplaySetDetail['kind'],
            title: name,
            rows: rows.length,
            read: 20,
            malformed: { 'no answer': 3 },
            revision: replay.kind === 'dataset' ? 'c0ffee' : null,
            licence: 'MIT',
          },
        });
      }
      if (name !== 'method') {
        await stages.commit(mixStage.at(plan, name), {
          rows: rows.map((row) => ({ ...row, id: `${name}-${row.id}` })),
          failures: [],
          stats,
          inputs: [],
          detail: { replay: replay.kind === 'none' ? 0 : 83, new: 17, share: newShare, replayLeftOut: 0, newLeftOut: 0, short: false },
        });
      }
      await stages.commit(trainStage.at(plan, name), {
        rows: [{ step: 1, loss: 2.4, learningRate: 1e-6, gradNorm: 1 }],
        failures: [],
        stats,
        inputs: [mixStage.at(plan, name)],
        detail: {
          protocol: 1,
          kind: 'sft',
          checkpointDir: 'checkpoint',
          steps: 25,
          examples: 100,
          tokens: 41_000,
          trainedTokens: 30_000,
          truncated: 0,
          lossCurve: [],
          seconds: 51,
          versions: {},
          weightsSha256: 'c'.repeat(64),
        },
      });
    }
    const [forgotten, learned] = replay === null ? [0, 0] : (forgets[name] ?? [random.below(25) / 100, random.below(12) / 100]);
    const evaluated = plan.spec.evaluate.tasks.map(({ task }) => task).filter(isLeaderboardTask);
    const samples = evaluated.flatMap((task) =>
      Array.from({ length: documents }, (_, index): SampleRow => {
        const was = hash32(`${task}|${index}`) / 2 ** 32 < BEFORE[task];
        const draw = random.below(1_000) / 1_000;
        const correct = was ? draw >= forgotten : draw < learned;
        const row = { task, docId: String(index), docHash: `${task}-${index}`, promptHash: 'p', correct, score: Number(correct) };
        if (task !== 'ifeval') return row;
        const rules = 1 + (index % 3);
        const rulesKept = correct ? rules : random.below(rules);
        return { ...row, rules, rulesKept, score: (Number(correct) + rulesKept / rules) / 2 };
      }),
    );
    const tasks = evaluated.map((task) => {
      const own = samples.filter((row) => row.task === task);
      const right = own.filter(({ correct }) => correct).length / documents;
      // As lm-evaluation-harness has it: of prompts, and of all rules.
      const value =
        task === 'ifeval' ? (right + total(own.map(({ rulesKept }) => rulesKept)) / total(own.map(({ rules }) => rules))) / 2 : right;
      return {
        task,
        metrics: { acc: value },
        stderr: { acc: 0.05 },
        primary: { name: 'acc', value, stderr: 0.05 },
        normalized: normalizeScore(task, value),
        documents,
      };
    });
    await stages.commit(evaluateStage.at(plan, name), {
      rows: samples,
      failures: [],
      stats,
      inputs: replay === null ? [] : [trainStage.at(plan, name)],
      detail: {
        protocol: 1,
        kind: 'evaluate',
        tasks,
        average: tasks.reduce((sum, { normalized }) => sum + normalized, 0) / tasks.length,
        seconds: 54,
        versions: { lm_eval: '0.4.13' },
        weightsSha256: 'd'.repeat(64),
      },
    });
  }
  return run;
}

function total(values: readonly (number | undefined)[]): number {
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}
