import { extracts, ownAnswersRows, ownAnswersSpec } from '../config/own-answers';
import type { RunSpec } from '../config/spec';
import { partition } from './planned';
import type { RunPlan } from './run-plan';

/** A row's own answers as a plan of its own: the shards are the data set's prompts, and the same stages make of them what they make of instructions. */
export function ownAnswersPlan(plan: RunPlan, name: string): RunPlan {
  const row = ownAnswersRows(plan.spec).find((each) => each.name === name);
  const own = plan.keys.own?.[name];
  const prompts = plan.prompts?.[name];
  if (row === undefined || own === undefined || prompts === undefined) {
    throw new Error(`the plan has no own answers for "${name}"; a validated spec cannot come here`);
  }
  const { filter: _filter, documents: _documents, judgeAfterAll: _method, judgeRounds: _rounds, own: _own, ...keys } = plan.keys;
  return {
    spec: ownAnswersSpec(plan.spec, row.own),
    content: plan.content,
    keys: { ...keys, ...own, select: own.select ?? '' },
    shards: partition(prompts, plan.spec.synthesis.shardSize),
  };
}

/** A plan that batches refer to: the run's, or that of one row's own answers. @param own name of the row */
export function planOf(plan: RunPlan, own: string | undefined): RunPlan {
  return own === undefined ? plan : ownAnswersPlan(plan, own);
}

/** The plans of all own answers that differ, by the first row that has them: rows that ask the same share them. None before the prompts are counted. */
export function ownAnswersPlans(plan: RunPlan): ReadonlyMap<string, RunPlan> {
  const plans = new Map<string, RunPlan>();
  const seen = new Set<string>();
  for (const name of Object.keys(plan.prompts ?? {})) {
    const own = plan.keys.own?.[name];
    if (own === undefined) continue;
    const key = JSON.stringify(own);
    if (!seen.has(key)) plans.set(name, ownAnswersPlan(plan, name));
    seen.add(key);
  }
  return plans;
}

/** The shards of the method's own synthesis: none where nothing is extracted. */
export function methodShards(spec: RunSpec): RunPlan['shards'] {
  return extracts(spec) ? partition(spec.synthesis.extract.instructions, spec.synthesis.shardSize) : [];
}
