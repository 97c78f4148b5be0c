import { PaceMeter } from '../../cli/run-progress-rate';
import type { StageProgress } from '../../workflows/types';

function running(done: number, change: Partial<StageProgress> = {}): StageProgress {
  return { stage: 'respond', model: 'a', done, total: 100, failed: 0, promptTokens: 0, completionTokens: 0, state: 'running', ...change };
}

function meterOf(samples: readonly (readonly [number, number])[]): PaceMeter {
  const meter = new PaceMeter();
  for (const [atS, done] of samples) meter.add(atS * 1000, [running(done)]);
  return meter;
}

describe('PaceMeter', () => {
  it('knows nothing from one look, or while nothing moves', () => {
    expect(meterOf([[0, 5]]).of(running(5), 1_000)).toBeUndefined();
    expect(meterOf([[0, 5], [10, 5], [20, 5]]).of(running(5), 20_000)).toBeUndefined();
  });

  it('gives items a second and the time left', () => {
    expect(meterOf([[0, 0], [5, 10], [10, 20]]).of(running(20), 10_000)).toEqual({ perSecond: 2, leftMs: 40_000 });
  });

  it('looks at the last minute only', () => {
    const slowThenFast = Array.from({ length: 241 }, (_, second) => [second, second <= 120 ? second * 0.1 : 12 + (second - 120) * 0.5] as const);
    expect(meterOf(slowThenFast).of(running(72), 240_000)?.perSecond).toBeCloseTo(0.5, 5);
  });

  it('measures rare steps over the last few, however long ago', () => {
    expect(meterOf([[0, 0], [300, 1], [600, 2], [900, 3]]).of(running(3, { total: 5 }), 900_000)).toEqual({ perSecond: expect.closeTo(2 / 600, 12) as number, leftMs: 600_000 });
  });

  it('slows down while a row stalls', () => {
    const meter = meterOf([[0, 0], [10, 20]]);
    expect(meter.of(running(20), 10_000)?.perSecond).toBe(2);
    expect(meter.of(running(20), 40_000)?.perSecond).toBe(0.5);
  });

  it('counts from the last look at which a row still waited', () => {
    const meter = new PaceMeter();
    meter.add(0, [running(0, { state: 'waiting' })]);
    meter.add(600_000, [running(0, { state: 'waiting' })]);
    meter.add(601_000, [running(0)]);
    meter.add(603_000, [running(6)]);
    expect(meter.of(running(6), 603_000)?.perSecond).toBe(2);
  });

  it('begins anew when a row goes back', () => {
    const meter = meterOf([[0, 0], [10, 50], [20, 10], [30, 20]]);
    expect(meter.of(running(20), 30_000)?.perSecond).toBe(1);
  });

  it('says nothing of rows that are done, and keeps rows apart', () => {
    const meter = new PaceMeter();
    for (const second of [0, 10]) meter.add(second * 1000, [running(second), running(second * 2, { model: 'b' })]);
    expect(meter.of(running(10, { state: 'done' }), 10_000)).toBeUndefined();
    expect(meter.of(running(20, { model: 'b' }), 10_000)?.perSecond).toBe(2);
    expect(meter.of(running(20, { model: 'never seen' }), 10_000)).toBeUndefined();
  });
});
