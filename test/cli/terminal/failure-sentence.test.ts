import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure, WorkflowFailedError } from '@temporalio/client';
import { RetryState, TimeoutType } from '@temporalio/common';
import { failureSentence } from '../../../cli/terminal/failure-sentence';

const activity = (cause?: Error): ActivityFailure =>
  new ActivityFailure('Activity task failed', 'judgeShard', '7', RetryState.NON_RETRYABLE_FAILURE, 'worker', cause);
const child = (cause: Error): ChildWorkflowFailure =>
  new ChildWorkflowFailure('default', { workflowId: 'demo/synthesis' }, 'synthesis', RetryState.NON_RETRYABLE_FAILURE, cause);
const failed = (cause?: Error): WorkflowFailedError =>
  new WorkflowFailedError('Workflow execution failed', cause, RetryState.NON_RETRYABLE_FAILURE);

describe('failureSentence', () => {
  it('gives the words of the activity that gave up, under all wrappings', () => {
    const failure = ApplicationFailure.create({
      message: 'model a: no key (HTTP 401); set A_KEY',
      type: 'PermanentEndpointError',
      nonRetryable: true,
    });
    expect(failureSentence(failed(child(child(activity(failure)))))).toBe('model a: no key (HTTP 401); set A_KEY');
  });

  it('does not go down into the details of that error', () => {
    const failure = ApplicationFailure.create({ message: 'the trainer ended early; see its log', cause: new Error('exit code 137') });
    expect(failureSentence(failed(activity(failure)))).toBe('the trainer ended early; see its log');
  });

  it('gives a failure of the workflow itself', () => {
    expect(failureSentence(failed(ApplicationFailure.nonRetryable('no replay rows are left')))).toBe('no replay rows are left');
  });

  it('tells a timeout as one', () => {
    expect(failureSentence(failed(activity(new TimeoutFailure('activity Heartbeat timeout', undefined, TimeoutType.HEARTBEAT))))).toBe(
      'activity Heartbeat timeout',
    );
  });

  it("gives the wrapping's own words when there is nothing below it", () => {
    expect(failureSentence(failed(activity()))).toBe('Activity task failed');
    expect(failureSentence(failed())).toBe('Workflow execution failed');
    expect(failureSentence('a string')).toBe('a string');
  });

  it('puts it on one line without what a terminal would obey', () => {
    expect(failureSentence(failed(ApplicationFailure.create({ message: 'a\nb\u001b[2J' })))).toBe('a b');
  });
});
