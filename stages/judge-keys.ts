import { type EarlyJudging, earlyJudging, laterJudges } from '../config/early-judging';
import type { RunSpec } from '../config/spec';
import { PROSPECTS_SHOWN } from '../method/early-judging';
import type { Judgment } from '../method/records';
import { judgeStage, type JudgeKeys, type KeysByJudge, type SkipInputs } from './judge';
import { partName, type ContentIdentities, type Planned, type Shard } from './planned';
import { respondStage, type RespondKeys } from './respond';
import type { Output, OutputRef } from './stage';

type Plan = Pick<Planned<JudgeKeys & RespondKeys>, 'spec' | 'keys' | 'content'>;
type ByGenerator = Readonly<Record<string, string>>;

/**
 * Keys of all judgments. Where responses are left out that cannot win, what a later judge is shown depends on the responses of all
 * generators, on the judges before it, and on what it has said before; a judge that scores all has the same key as without.
 */
export function judgeKeys(spec: RunSpec, respond: RespondKeys['respond'], content: Pick<ContentIdentities, 'templates'> = {}): JudgeKeys {
  const { judges } = spec.synthesis.judge;
  const early = earlyJudging(spec);
  const keyOf = (judge: string, generator: string, skip?: SkipInputs): string =>
    judgeStage.key(spec, judge, respond[generator]!, { ...content, ...(skip === undefined ? {} : { skip }) });
  const keysOf = (judge: string, skip?: SkipInputs): ByGenerator =>
    mapNames(Object.keys(respond), (generator) => keyOf(judge, generator, skip));
  if (early === undefined) return { judge: mapNames(judges, (judge) => keysOf(judge)) };

  const rules = rulesOf(spec, early);
  const later = laterJudges(early);
  const keys: Record<string, ByGenerator> = {};
  const rounds: Record<string, ByGenerator>[] = early.inRounds === undefined ? [] : PROSPECTS_SHOWN.map(() => ({}));
  for (const judge of early.order) {
    const skip = { rules, responses: respond, before: { ...keys } };
    if (!later.includes(judge)) keys[judge] = keysOf(judge);
    else if (early.inRounds === undefined) {
      const own: Record<string, string> = {};
      // One generator after the other: what the judge says of the first leaves less to ask of the next.
      for (const generator of spec.synthesis.respond.generators) {
        own[generator] = keyOf(judge, generator, { ...skip, before: { ...keys, [judge]: { ...own } } });
      }
      keys[judge] = own;
    } else {
      const own: ByGenerator[] = [];
      for (const round of rounds) {
        round[judge] = keysOf(judge, { ...skip, rounds: [...own] });
        own.push(round[judge]);
      }
      keys[judge] = keysOf(judge, { ...skip, rounds: own });
    }
  }
  const judge = mapNames(judges, (name) => keys[name]!);
  const main: JudgeKeys = { judge, ...(rounds.length === 0 || later.length === 0 ? {} : { judgeRounds: rounds }) };
  if (spec.synthesis.select.policy === 'complete') return main; // a missing score loses the instruction: nothing is judged after all
  return { ...main, judgeAfterAll: mapNames(later, (name) => keysOf(name, { rules, responses: respond, before: judge, afterAll: true })) };
}

function rulesOf(spec: RunSpec, { order, auditShare, inRounds }: EarlyJudging): SkipInputs['rules'] {
  const { select, judge } = spec.synthesis;
  return {
    skip: judge.skip,
    judges: order,
    auditShare,
    policy: select.policy,
    minJudges: select.policy === 'available' ? select.minJudges : null,
    truncated: select.truncated,
    respondRows: respondStage.rowsVersion,
    judgeRows: judgeStage.rowsVersion,
    ...(inRounds === undefined ? {} : { rounds: PROSPECTS_SHOWN }),
  };
}

/** A judge's outputs for one generator in a shard, without what is judged after all: one, or one for each of its rounds. A response is in one of them. */
export function roundOutputs(plan: Pick<Plan, 'spec' | 'keys'>, shard: Shard, judge: string, generator: string): Output<Judgment>[] {
  const rounds = (plan.keys.judgeRounds ?? []).flatMap((keys: KeysByJudge, round) =>
    keys[judge] === undefined ? [] : [judgeStage.at(plan, shard, judge, generator, round)],
  );
  return [...rounds, judgeStage.at(plan, shard, judge, generator)];
}

/** All of a judge's outputs for one generator in a shard. With what was judged after all, whose rows replace skipped ones. */
export function judgmentOutputs(plan: Pick<Plan, 'spec' | 'keys'>, shard: Shard, judge: string, generator: string): Output<Judgment>[] {
  const main = roundOutputs(plan, shard, judge, generator);
  return plan.keys.judgeAfterAll?.[judge] === undefined ? main : [...main, judgeStage.at(plan, shard, judge, generator, 'afterAll')];
}

/** Outputs of the same requests in a run that leaves nothing out, or that leaves out what cannot win: their calls need not be made again. */
export function siblingJudgments({ spec, keys, content }: Plan, shard: Shard, judge: string, generator: string): OutputRef[] {
  const others = WAYS.map((way) =>
    judgeKeys({ ...spec, synthesis: { ...spec.synthesis, judge: { ...spec.synthesis.judge, ...way } } }, keys.respond, content),
  );
  const all = new Set([keys, ...others].flatMap((each) => keysFor(each, judge, generator)));
  return [...all].map((key) => ({ stage: judgeStage, address: { stage: judgeStage.name, key, part: partName(shard) } }));
}

/** How a judge may be asked about the same responses. */
const WAYS = [{ skip: 'none' }, { skip: 'cannot-win', rounds: 'generators' }, { skip: 'cannot-win', rounds: 'prospects' }] as const;

function keysFor({ judge: main, judgeRounds = [], judgeAfterAll = {} }: JudgeKeys, judge: string, generator: string): string[] {
  return [main, judgeAfterAll, ...judgeRounds].flatMap((each) => each[judge]?.[generator] ?? []);
}

function mapNames<T>(names: readonly string[], value: (name: string) => T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}
