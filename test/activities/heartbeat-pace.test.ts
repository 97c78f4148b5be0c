import { HeartbeatPace } from '../../activities/heartbeat-pace';
import type { HeartbeatDetails } from '../../contract/progress';
import { NO_CALLS } from '../../method/cost';

function beat(done: number, change: Partial<HeartbeatDetails> = {}): HeartbeatDetails {
  return { stage: 'judge', model: 'm', part: 'all', done, total: 1000, ...NO_CALLS, ...change };
}

describe('the pace of an activity', () => {
  it('comes with its heartbeats once it has moved', () => {
    const pace = new HeartbeatPace();
    expect(pace.add(undefined, 0)).toBeUndefined();
    expect(pace.add(beat(0), 0)).toEqual(beat(0));
    expect(pace.add(beat(50), 10_000)).toEqual(beat(50, { perSecond: 5 }));
  });

  it('leaves out what comes from the journal, which comes at once', () => {
    const pace = new HeartbeatPace();
    pace.add(beat(0), 0);
    expect(pace.add(beat(900, { replayed: 900 }), 2_000)?.perSecond).toBeUndefined();
    expect(pace.add(beat(910, { replayed: 900 }), 12_000)?.perSecond).toBe(1);
  });

  it('begins anew with each phase of a job, which counts something else', () => {
    const pace = new HeartbeatPace();
    pace.add(beat(0, { total: 5, note: 'load model' }), 0);
    pace.add(beat(4, { total: 5, note: 'load model' }), 1_000);
    expect(pace.add(beat(4, { total: 300, note: 'train' }), 2_000)?.perSecond).toBeUndefined();
    expect(pace.add(beat(6, { total: 300, note: 'train' }), 22_000)?.perSecond).toBe(0.1);
  });
});
