import type { FineTuningJobEvent } from '../../../services/fine-tuning/api';
import { jobProgress, lossCurve, totalSteps } from '../../../services/fine-tuning/job-progress';
import { jobFailure } from '../../../services/fine-tuning/result';

const event = (data: unknown, type: 'message' | 'metrics' = 'metrics', message = 'an event'): FineTuningJobEvent => ({
  id: 'e',
  created_at: 0,
  level: 'info',
  message,
  object: 'fine_tuning.job.event',
  type,
  data,
});
const step = (number: number, loss: unknown = 1.5): FineTuningJobEvent => event({ step: number, total_steps: 90, train_loss: loss });

describe('the progress of a job', () => {
  test('is that of the newest step, whatever stands before it', () => {
    const events = [event({}, 'message', 'Checkpoint created'), step(12, 0.87654), step(11, 0.9)];
    expect(jobProgress({ status: 'running' }, events)).toEqual({ step: 12, totalSteps: 90, loss: 0.87654, note: 'training, loss 0.877' });
  });

  test('before the first step is what the provider says', () => {
    expect(jobProgress({ status: 'running' }, [event({}, 'message', 'Fine-tuning job\nstarted')])).toEqual({
      step: 0,
      totalSteps: 0,
      loss: null,
      note: 'at the provider: Fine-tuning job started',
    });
    expect(jobProgress({ status: 'running' }, []).note).toBe('running at the provider');
    expect(jobProgress({ status: 'queued' }, []).note).toBe('queued at the provider');
    expect(jobProgress({ status: 'validating_files' }, []).note).toBe('the provider checks the training file');
  });

  test.each([undefined, null, 'text', { step: -1 }, { step: 1.5 }, { step: '3' }])('is not read from %j', (data) => {
    expect(jobProgress({ status: 'running' }, [event(data)])).toMatchObject({ step: 0, loss: null });
  });
});

test('the loss curve has each step once, in order, and leaves out steps without a finite loss', () => {
  expect(lossCurve([step(2, 1.4), step(1, 1.5), step(2, 1.3), step(3, null), step(4, Infinity), event({ step: 9 }, 'message')])).toEqual([
    { step: 1, loss: 1.5, learningRate: null, gradNorm: null },
    { step: 2, loss: 1.3, learningRate: null, gradNorm: null },
  ]);
  expect(totalSteps([step(2), event({ step: 95 })])).toBe(95);
  expect(totalSteps([])).toBe(0);
});

test('a failed job has one sentence, also when its provider says nothing', () => {
  expect(jobFailure({ id: 'ftjob-1', status: 'failed', error: null }, 'model "gpt" at URL').message).toBe(
    'the fine-tuning job ftjob-1 of model "gpt" at URL failed: it does not say why; fix that and resume the run, which creates a new job',
  );
  expect(jobFailure({ id: 'ftjob-1', status: 'cancelled', error: null }, 'model "gpt" at URL').message).toContain(
    'was cancelled at the provider; resume the run to create a new one',
  );
});
