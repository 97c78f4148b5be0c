import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { modelOf } from '../config/models-in-use';
import { canonicalJson } from '../method/canonical-json';
import type { BatchItem } from '../services/batches/batch-item';
import { extractionItems } from '../services/batches/steps/extraction';
import { judgmentItems } from '../services/batches/steps/judgment';
import { responseItems } from '../services/batches/steps/response';
import { openStore } from '../services/runs/open-store';
import { extractStage } from '../stages/extract';
import { respondStage } from '../stages/respond';
import { type RunPlan } from '../stages/run-plan';
import type { Output } from '../stages/stage';

export interface RequestBodiesOptions {
  /** Of a finished synthesis without filters. */
  readonly store: string;
  readonly runId: string;
  /** One request a line: path after `/v1/`, a space, the JSON body. */
  readonly file: string;
}

/**
 * Writes down the requests that a synthesis has made (the first try of each call), byte for byte, made again from what it
 * stored: another client can then send the same.
 * @returns how many
 */
export async function writeRequestBodies({ store, runId, file }: RequestBodiesOptions): Promise<number> {
  const { plans, stages } = openStore(store);
  const run = await plans.findRun(runId);
  if (run === undefined) throw new Error(`${store} has no run "${runId}"`);
  const plan = await plans.load(run.plan);
  const out = createWriteStream(file);
  let count = 0;

  const rowsOf = async <Row extends object>(output: Output<Row>): Promise<Row[]> => {
    const found = await stages.find(output);
    if (found === undefined) throw new Error(`run "${runId}" has not finished ${stages.folder(output.address)}`);
    return await stages.readRows(found);
  };
  const write = (items: readonly BatchItem<object>[], model: string): void => {
    for (const item of items) {
      const step = item.next([]);
      if (step.do !== 'call') continue;
      out.write(
        `${step.request.path} {"model":${JSON.stringify(modelOf(plan.spec, model).model)},${canonicalJson(step.request.body).slice(1)}\n`,
      );
      count++;
    }
  };

  for (const shard of plan.shards) {
    write(extractionItems(plan.spec, shard, { own: plan.content.templates }), plan.spec.target.model);
    const instructions = await rowsOf(extractStage.at(plan, shard));
    for (const generator of generatorsOf(plan)) {
      write(responseItems(plan.spec, generator, instructions, plan.content.templates), generator);
      const responses = await rowsOf(respondStage.at(plan, shard, generator));
      for (const judge of plan.spec.synthesis.judge.judges) {
        write(judgmentItems(plan.spec, judge, generator, { instructions, responses }, plan.content.templates), judge);
      }
    }
  }
  out.end();
  await once(out, 'close');
  return count;
}

function generatorsOf(plan: RunPlan): readonly string[] {
  return plan.spec.synthesis.respond.generators;
}
