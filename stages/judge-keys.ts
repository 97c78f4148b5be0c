import { earlyJudging } from '../config/early-judging';
import type { RunSpec } from '../config/spec';
import type { Judgment } from '../method/records';
import { judgeStage, type JudgeKeys, type SkipInputs } from './judge';
import { partName, type ContentIdentities, type Planned, type Shard } from './planned';
import { respondStage, type RespondKeys } from './respond';
import type { Output, OutputRef } from './stage';

type Plan = Pick<Planned<JudgeKeys & RespondKeys>, 'spec' | 'keys' | 'content'>;

/**
 * Keys of all judgments. Where responses are left out that cannot win, what a judge is shown depends on the responses of all
 * generators, on the judges before it, and on what it said of the generators before; the first one scores all, and has the same key as without.
 */
export function judgeKeys(spec: RunSpec, respond: RespondKeys['respond'], content: Pick<ContentIdentities, 'templates'> = {}): JudgeKeys {
  const { judges } = spec.synthesis.judge;
  const early = earlyJudging(spec);
  const keysOf = (judge: string, skip?: SkipInputs): Record<string, string> =>
    mapNames(Object.keys(respond), (generator) =>
      judgeStage.key(spec, judge, respond[generator]!, { ...content, ...(skip === undefined ? {} : { skip }) }),
    );
  if (early === undefined) return { judge: mapNames(judges, (judge) => keysOf(judge)) };
  const { select } = spec.synthesis;
  const rules = {
    skip: spec.synthesis.judge.skip,
    judges: early.order,
    auditShare: early.auditShare,
    policy: select.policy,
    minJudges: select.policy === 'available' ? select.minJudges : null,
    truncated: select.truncated,
    respondRows: respondStage.rowsVersion,
    judgeRows: judgeStage.rowsVersion,
  };
  const keys: Record<string, Record<string, string>> = {};
  for (const judge of early.order) {
    if (judge === early.order[0]) {
      keys[judge] = keysOf(judge);
      continue;
    }
    const before = { ...keys };
    const own: Record<string, string> = {};
    // One generator after the other: what the judge says of the first leaves less to ask of the next.
    for (const generator of spec.synthesis.respond.generators) {
      const skip = { rules, responses: respond, before: { ...before, [judge]: { ...own } } };
      own[generator] = judgeStage.key(spec, judge, respond[generator]!, { ...content, skip });
    }
    keys[judge] = own;
  }
  const judge = mapNames(judges, (name) => keys[name]!);
  if (select.policy === 'complete') return { judge }; // a missing score loses the instruction: nothing is judged after all
  return {
    judge,
    judgeAfterAll: mapNames(early.order.slice(1), (name) => keysOf(name, { rules, responses: respond, before: judge, afterAll: true })),
  };
}

/** A judge's outputs for one generator in a shard: one; or with what was judged after all a second, whose rows replace skipped ones. */
export function judgmentOutputs(plan: Pick<Plan, 'spec' | 'keys'>, shard: Shard, judge: string, generator: string): Output<Judgment>[] {
  const main = judgeStage.at(plan, shard, judge, generator);
  return plan.keys.judgeAfterAll?.[judge] === undefined ? [main] : [main, judgeStage.at(plan, shard, judge, generator, 'afterAll')];
}

/** Outputs of the same requests in a run that leaves nothing out, or that leaves out what cannot win: their calls need not be made again. */
export function siblingJudgments({ spec, keys, content }: Plan, shard: Shard, judge: string, generator: string): OutputRef[] {
  const known = new Set([keys.judge[judge]?.[generator], keys.judgeAfterAll?.[judge]?.[generator]]);
  const others = (['none', 'cannot-win'] as const).flatMap((skip) => {
    const other = judgeKeys({ ...spec, synthesis: { ...spec.synthesis, judge: { ...spec.synthesis.judge, skip } } }, keys.respond, content);
    return [other.judge[judge]?.[generator], other.judgeAfterAll?.[judge]?.[generator]];
  });
  const all = new Set([...known, ...others].filter((key) => key !== undefined));
  return [...all].map((key) => ({ stage: judgeStage, address: { stage: judgeStage.name, key, part: partName(shard) } }));
}

function mapNames<T>(names: readonly string[], value: (name: string) => T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}
