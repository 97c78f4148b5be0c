import { reasonWords } from '../../method/failure-reason';
import { failingJudges, type JudgeFailures } from '../../method/judge-failures';
import { isSkipped } from '../../method/skipped';
import type { StageStore } from '../../services/store/stage-store';
import { roundOutputs } from '../../stages/judge-keys';
import type { RunPlan } from '../../stages/run-plan';

/** Judgments of each judge that are looked at for `status`: enough for any share. */
const MOST_JUDGMENTS = 2_000;

/** Sentences on judges that often give no score, from the latest shards that are stored. */
export async function judgesSoFar(stages: StageStore, plan: RunPlan): Promise<string[]> {
  const { respond, judge } = plan.spec.synthesis;
  const failures = judge.judges.map(async (name) => await failuresOf(stages, plan, name, respond.generators));
  return failingJudges(await Promise.all(failures));
}

async function failuresOf(stages: StageStore, plan: RunPlan, judge: string, generators: readonly string[]): Promise<JudgeFailures> {
  const reasons: Record<string, number> = {};
  let asked = 0;
  for (const shard of [...plan.shards].reverse()) {
    for (const generator of generators) {
      for (const output of roundOutputs(plan, shard, judge, generator)) {
        const found = await stages.find(output);
        if (found === undefined) continue;
        const { manifest } = found;
        const isPartly = plan.spec.synthesis.judge.skip !== 'none';
        asked += isPartly ? (await stages.readRows(found)).filter((row) => !isSkipped(row)).length : manifest.rows.rows;
        for (const { reason } of await stages.readFailures(manifest)) {
          const words = reasonWords(reason);
          reasons[words] = (reasons[words] ?? 0) + 1;
        }
      }
    }
    if (asked >= MOST_JUDGMENTS) break;
  }
  return { judge, asked, reasons };
}
