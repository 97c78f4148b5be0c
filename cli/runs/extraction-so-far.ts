import { extractionHealth, isTruncated, type ExtractionHealth } from '../../method/extraction-health';
import type { Instruction } from '../../method/records';
import type { StageStore } from '../../services/store/stage-store';
import { extractStage } from '../../stages/extract';
import type { RunPlan } from '../../stages/run-plan';

/** Texts that are read for `status`: enough for any share. */
const MOST_TEXTS = 2_000;

/** What the texts that are extracted so far are like, from the first shards; null before the first one is stored. */
export async function extractionSoFar(stages: StageStore, plan: RunPlan): Promise<ExtractionHealth | null> {
  const texts: Pick<Instruction, 'text' | 'finishReason'>[] = [];
  let truncated = 0;
  for (const shard of plan.shards) {
    const found = await stages.find(extractStage.at(plan, shard));
    if (found === undefined) continue;
    texts.push(...(await stages.readRows(found)));
    truncated += (await stages.readFailures(found.manifest)).filter(isTruncated).length;
    if (texts.length >= MOST_TEXTS) break;
  }
  return texts.length + truncated === 0 ? null : extractionHealth(texts, truncated);
}
