import { setWorkflowOptions, workflowInfo } from '@temporalio/workflow';
import type { BatchOutcome } from '../contract/batches';
import type { EarlyOutline } from '../contract/run';
import type { ShardInput, ShardResult } from '../contract/workflows';
import { timesCost } from '../method/cost';
import { activitiesOn } from './activities';
import { withOrders } from './cancelled-orders';
import { failFast } from './control/concurrency';
import { rerunOnLostInput } from './control/lost-inputs';
import { untilHandled } from './control/until-handled';
import { ShardRun } from './shard-run';

const llm = activitiesOn('llm');
const cpu = activitiesOn('cpu');

type RoundsOutline = NonNullable<EarlyOutline['inRounds']>;

/** One shard of the synthesis: extract, then respond and judge for each generator, then select; or one phase of it. */
export async function synthesizeShard(input: ShardInput): Promise<ShardResult> {
  const run = new ShardRun(input);

  async function stages(): Promise<void> {
    if (input.phase !== 'answer') await extract(run);
    if (input.phase !== 'extract') await answer(run);
  }

  const work = async (): Promise<void> => await rerunOnLostInput(stages, () => run.restart());
  await untilHandled(input.batched === true ? async () => await withOrders(run.ref, work) : work);
  return run.result;
}

// Where workers have versions, a shard ends on the one that it began on; all else follows the current one. Of workers without one the
// server takes no such wish.
setWorkflowOptions(
  () => (workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior: 'PINNED' } : {}),
  synthesizeShard,
);

async function extract(run: ShardRun): Promise<void> {
  const { target, size, costs } = run.input;
  await run.runBatch(
    { stage: 'extract', model: target, items: size, id: 'extract', costEach: costs.extract },
    async (limits) =>
      await llm.extractShard.executeWithOptions({ summary: `extract ${size} instructions from ${target}` }, [{ ...run.ref, ...limits }]),
  );
}

async function answer(run: ShardRun): Promise<void> {
  const { generators, judges, early } = run.input;
  if (early !== undefined) {
    await (early.inRounds === undefined ? answerInOrder(run, early) : answerInRounds(run, early, early.inRounds));
    return;
  }
  await failFast(
    generators.map((generator) => async () => {
      await respond(run, generator);
      await failFast(judges.map((judge) => async () => await judgeResponses(run, generator, judge)));
    }),
  );
  if (judges.length > 0) await select(run);
}

/**
 * Each judge is shown what can still win after those before it, which takes the responses of all generators; and of a generator's,
 * what can still win after what it has said of the generators before.
 */
async function answerInOrder(run: ShardRun, { order, afterAll }: EarlyOutline): Promise<void> {
  const { generators } = run.input;
  const [first, ...later] = order;
  await failFast(
    generators.map((generator) => async () => {
      await respond(run, generator);
      if (first !== undefined) await judgeResponses(run, generator, first);
    }),
  );
  for (const judge of later) for (const generator of generators) await judgeResponses(run, generator, judge);
  if (afterAll) await judgeAllAfterAll(run, later);
  await select(run);
}

/** Judges that can leave nothing out are asked about everything at once; each other one in rounds, the best prospects of all generators first. */
async function answerInRounds(run: ShardRun, { order, afterAll }: EarlyOutline, inRounds: RoundsOutline): Promise<void> {
  const { generators } = run.input;
  const atOnce = order.filter((judge) => !inRounds.judges.includes(judge));
  await failFast(
    generators.map((generator) => async () => {
      await respond(run, generator);
      await failFast(atOnce.map((judge) => async () => await judgeResponses(run, generator, judge)));
    }),
  );
  for (const judge of inRounds.judges) {
    const usable = new Map(generators.map((generator) => [generator, 0]));
    for (let round = 0; round < inRounds.rounds; round++) {
      await failFast(
        generators.map((generator) => async () => {
          const of = { round, rounds: inRounds.rounds, before: usable.get(generator) ?? 0 };
          usable.set(generator, await judgeRound(run, generator, judge, of));
        }),
      );
    }
  }
  if (afterAll) await judgeAllAfterAll(run, inRounds.judges);
  await select(run);
}

function respond(run: ShardRun, generator: string): Promise<BatchOutcome> {
  const { samples, costs } = run.input;
  return run.runBatch(
    { stage: 'respond', model: generator, items: run.responses, id: `respond ${generator}`, costEach: costs.respond[generator] },
    async (limits) =>
      await llm.respondShard.executeWithOptions({ summary: `${generator}: ${samples} responses each` }, [
        { ...run.ref, generator, ...limits },
      ]),
  );
}

function judgeResponses(run: ShardRun, generator: string, judge: string): Promise<BatchOutcome> {
  const pair = `${judge}/${generator}`;
  return run.runBatch(
    { stage: 'judge', model: judge, items: run.responses, id: `judge ${pair}`, costEach: run.input.costs.judge[pair] },
    async (limits) =>
      await llm.judgeShard.executeWithOptions({ summary: `${judge} judges ${generator}` }, [{ ...run.ref, generator, judge, ...limits }]),
  );
}

/**
 * How many responses a round settles is known when it has; what is lost in one of them counts with the last.
 * @returns usable judgments of this round and those before it
 */
async function judgeRound(
  run: ShardRun,
  generator: string,
  judge: string,
  { round, rounds, before }: { readonly round: number; readonly rounds: number; readonly before: number },
): Promise<number> {
  const pair = `${judge}/${generator}`;
  const isLast = round === rounds - 1;
  const cost = run.input.costs.judge[pair];
  const { usable } = await run.runBatch(
    {
      stage: 'judge',
      model: judge,
      items: isLast ? run.responses - before : 'usable',
      id: `judge ${pair} ${round + 1}`,
      costEach: cost === undefined ? undefined : timesCost(cost, 1 / rounds),
    },
    async (limits) =>
      await llm.judgeShard.executeWithOptions({ summary: `${judge} judges ${generator}, round ${round + 1} of ${rounds}` }, [
        { ...run.ref, generator, judge, ...(isLast ? {} : { round }), ...limits },
      ]),
  );
  return before + usable;
}

async function judgeAllAfterAll(run: ShardRun, judges: readonly string[]): Promise<void> {
  const { generators } = run.input;
  await failFast(judges.flatMap((judge) => generators.map((generator) => async () => await judgeAfterAll(run, generator, judge))));
}

/** Mostly nothing: responses whose better ones have ended without the scores that they need. */
function judgeAfterAll(run: ShardRun, generator: string, judge: string): Promise<BatchOutcome> {
  return run.runBatch(
    { stage: 'judge', model: judge, items: 0, id: `judge after all ${judge}/${generator}`, costEach: undefined },
    async (limits) => {
      const outcome = await llm.judgeShard.executeWithOptions({ summary: `${judge} judges ${generator}, what it was not shown` }, [
        { ...run.ref, generator, judge, round: 'afterAll', ...limits },
      ]);
      return { ...outcome, usable: 0 }; // its items have been counted
    },
  );
}

function select(run: ShardRun): Promise<BatchOutcome> {
  return run.progress.track(
    { stage: 'select', model: run.input.own ?? '', items: run.input.size },
    async () => await run.work.runActivity(cpu.selectShard, `best of ${run.candidates} by mean score`, run.ref),
  );
}
