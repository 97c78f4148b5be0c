import { setHandler } from '@temporalio/workflow';
import { unpricedModels } from '../../config/models-in-use';
import type { RunSpecInput } from '../../config/spec';
import { trainingCostSignal, withdrawnSignal } from '../../contract/budget';
import {
  controlQuery,
  drainedSignal,
  pauseRequestSignal,
  pauseUpdate,
  resumeAnywayUpdate,
  resumeUpdate,
  servedSignal,
  setBudgetUpdate,
  setLimitsUpdate,
  type ControlState,
} from '../../contract/control';
import { checkBudget, checkLimits, checkPause } from './control-requests';
import type { RunControl } from './run-control';

/**
 * Connects a run's control to what people and descendants send it. Updates can come at any time, also before the spec has been
 * checked.
 */
export function handleControl(control: RunControl, spec: RunSpecInput): void {
  const answer = async (change: Promise<void>): Promise<ControlState> => {
    await change;
    return control.state;
  };
  setHandler(controlQuery, () => control.state);
  setHandler(pauseRequestSignal, async (request) => await control.pauseOnRequest(request));
  setHandler(drainedSignal, (drained) => control.children.drained(drained));
  setHandler(servedSignal, async ({ model, baseURL }) => await control.serve(model, baseURL));
  setHandler(trainingCostSignal, async (cost) => await control.bookTraining(cost));
  setHandler(pauseUpdate, async (request?: { readonly reason?: string }) => await answer(control.pause(request?.reason)), {
    validator: checkPause,
  });
  setHandler(resumeUpdate, async () => await answer(control.resume()));
  setHandler(resumeAnywayUpdate, async () => await answer(control.resume({ anyway: true })));
  setHandler(setLimitsUpdate, async (limits) => await answer(control.setLimits(limits)), {
    validator: (limits) => checkLimits(limits, spec.models),
  });
  setHandler(withdrawnSignal, (told) => control.receive(told));
  setHandler(
    setBudgetUpdate,
    async (budget) => {
      const withdrawn = await control.setBudget(budget);
      return { ...control.state, ...(withdrawn === undefined ? {} : { withdrawn }) };
    },
    { validator: (budget) => checkBudget(budget, { unpriced: unpricedNames(spec) }) },
  );
}

/** Models whose price is not known, as a message names them. */
function unpricedNames(spec: RunSpecInput): string[] {
  const { calls, training } = unpricedModels(spec);
  return [...calls, ...training.map((name) => `${name} (trainingUsdPerMillion)`)];
}
