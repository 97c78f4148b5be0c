import { budgetProblems } from './budget-checks';
import { judgeOrderProblems } from './early-judging';
import { endpointProblems } from './endpoint-checks';
import { evaluationBackendProblems } from './evaluation-checks';
import { evaluationProblems, thinkingProblems } from './evaluation-task-checks';
import { holdOutProblems } from './hold-out-checks';
import { nameProblems } from './model-name-checks';
import { qualityProblems } from './quality-checks';
import { requestProblems } from './request-checks';
import { secretProblems } from './secret-checks';
import type { RunSpec } from './spec';
import type { Finding } from './spec-errors';
import { samplingProblems, selectionProblems } from './synthesis-checks';
import { templateProblems } from './template-checks';
import { trainingBackendProblems } from './training-backend-checks';
import { trainingProblems } from './training-checks';
import { trains, untilProblems } from './until';
import { variantProblems } from './variant-checks';

/** What ties the parts of a spec together, and what no single value shows. Empty when all is well. */
export function crossCheckSpec(spec: RunSpec): Finding[] {
  return [
    ...nameProblems(spec),
    ...templateProblems(spec),
    ...endpointProblems(spec),
    ...requestProblems(spec),
    ...samplingProblems(spec),
    ...selectionProblems(spec),
    ...judgeOrderProblems(spec),
    ...qualityProblems(spec),
    ...trainingProblems(spec),
    ...holdOutProblems(spec),
    ...(trains(spec) ? trainingBackendProblems(spec) : []),
    ...untilProblems(spec),
    ...variantProblems(spec),
    ...budgetProblems(spec),
    ...evaluationProblems(spec.evaluate.tasks),
    ...thinkingProblems(spec.evaluate),
    ...(trains(spec) ? evaluationBackendProblems(spec) : []),
    ...secretProblems(spec, []),
  ];
}
