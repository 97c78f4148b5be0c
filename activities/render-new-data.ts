import { weightsOf } from '../config/fine-tuning';
import { newDataTitle } from '../config/new-data';
import type { PlanRef } from '../contract/run';
import { PythonJobError } from '../services/python/python-jobs';
import { renderConversations } from '../services/training/rendering';
import { templateDate } from '../stages/template-date';
import type { ActivityDeps } from './deps';
import { askedThinking, pythonTask } from './evaluation-job';
import { newDataFile } from './new-data-file';
import { phaseBeats } from './phase-beats';
import { runActivity } from './run-activity';

/** A line that the trainer could not render is to be found before a call is paid for, by the trainer's own code. */
export function createRenderNewDataActivities(deps: ActivityDeps) {
  return {
    async renderNewData({ plan }: PlanRef): Promise<void> {
      await rendered(deps, plan);
    },

    async renderNewDataOnCpu({ plan }: PlanRef): Promise<void> {
      if ((await deps.hasPython?.()) === false) {
        deps.log.warn(
          'no gpu worker was free, and this machine has no Python environment, so the new data are rendered by the training only',
        );
        return;
      }
      await rendered(deps, plan);
    },
  };
}

async function rendered(deps: ActivityDeps, hash: string): Promise<void> {
  await runActivity(deps, async ({ stop, heartbeat }) => {
    const plan = await deps.plans.load(hash);
    const { target, train, mix, evaluate } = plan.spec;
    const conversations = await newDataFile(deps, plan);
    if (conversations === undefined) {
      deps.log.warn({ newData: plan.content.newData }, 'the new data are not in the store, so they are rendered by the training only');
      return;
    }
    const weights = await deps.weights.resolve(weightsOf(plan.spec), target.revision);
    try {
      await renderConversations(
        deps.python,
        {
          weights: weights.path,
          revision: target.revision,
          conversations,
          named: newDataTitle(mix),
          thoughts: train.thoughts,
          ...templateDate(plan),
          ...(evaluate.backend === 'openai'
            ? {} // its server has the template
            : { evaluation: { tasks: evaluate.tasks.map(pythonTask), ...askedThinking(evaluate) } }),
        },
        { stop, onEvent: phaseBeats(heartbeat, { stage: 'mix', model: '' }) },
      );
    } catch (error) {
      // A hub that is away keeps no run from beginning; the weights are fetched when they are needed.
      if (!(error instanceof PythonJobError && error.kind === 'hub_unreachable')) throw error;
      deps.log.warn({ weights: weights.path }, `the new data could not be rendered before the run: ${error.message}`);
    }
  });
}
