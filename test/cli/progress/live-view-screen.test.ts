import { PassThrough } from 'node:stream';
import { renderFrame, Screen } from '../../../cli/progress/live-view-screen';
import type { RunProgress } from '../../../cli/progress/run-reader';
import type { StageProgress } from '../../../contract/progress';

function row(
  stage: StageProgress['stage'],
  model: string,
  done: number,
  total: number,
  change: Partial<StageProgress> = {},
): StageProgress {
  const state = done >= total ? 'done' : done > 0 ? 'running' : 'waiting';
  return { stage, model, done, total, failed: 0, promptTokens: 0, completionTokens: 0, usd: 0, errors: {}, state, ...change };
}

function frame(
  progress: Partial<RunProgress>,
  options: { columns?: number; height?: number; notice?: string; url?: string } = {},
): string[] {
  return renderFrame({
    progress: {
      runId: 'demo',
      status: 'RUNNING',
      stage: 'respond',
      target: 'smollm2',
      startedAt: '2026-11-03T09:00:00.000Z',
      closedAt: null,
      paused: null,
      rows: [],
      warnings: [],
      ...progress,
    },
    nowMs: Date.parse('2026-11-03T09:02:03.000Z'),
    columns: options.columns ?? 100,
    height: options.height ?? 24,
    notice: options.notice,
    url: options.url,
    color: false,
  });
}

describe('renderFrame', () => {
  it('shows each row with bar, counts, pace, losses, tokens and note', () => {
    const rows = [
      row('extract', 'smollm2', 16, 16, { failed: 1, promptTokens: 48, completionTokens: 1_200, usd: 0.25 }),
      row('respond', 'careful', 24, 48, { perSecond: 2, errors: { rate_limited: 3 } }),
      row('train', 'method', 0, 5),
    ];
    expect(frame({ rows }, { url: 'http://127.0.0.1:8233/x' })).toEqual([
      'Run demo · smollm2 · running · 2m 3s · $0.25 · synthesis 12s left',
      'http://127.0.0.1:8233/x',
      '✓ extract smollm2  ████████████████████        16/16  1 lost · 1.25k tokens · $0.25',
      '▶ respond careful  ██████████░░░░░░░░░░        24/48  2.0/s, 12s left · 3 rate limited',
      '· train method     ░░░░░░░░░░░░░░░░░░░░          0/5',
    ]);
  });

  it('says what it waits for before there are rows', () => {
    expect(frame({ rows: [], target: null })).toEqual(['Run demo · running · 2m 3s', 'checking the spec, planning the stages …']);
    expect(frame({ rows: null, target: null })[1]).toBe('waiting for the run to answer …');
  });

  it('stops the clock when the run has ended', () => {
    expect(frame({ status: 'FAILED', closedAt: '2026-11-03T09:01:00.000Z' })[0]).toBe('Run demo · smollm2 · failed · 1m');
  });

  it('never fills more than the terminal, and keeps what runs in sight', () => {
    const rows = Array.from({ length: 40 }, (_, index) => row('judge', `j${index}`, index < 20 ? 10 : index === 30 ? 5 : 0, 10));
    const warnings = ['a', 'b', 'c', 'd', 'e'];
    const lines = frame({ rows, warnings }, { height: 15, columns: 40, notice: 'the server does not answer' });
    expect(lines.length).toBeLessThan(15);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80);
    expect(lines.some((line) => line.startsWith('▶ judge j30'))).toBe(true);
    expect(lines).toContain(`  … and ${40 - lines.filter((line) => line.includes('judge')).length} more rows`);
    expect(lines.at(-1)).toBe('! and 3 more: see "npx rehearse status demo"');
  });

  it('cuts long lines to the width', () => {
    const lines = frame({ rows: [row('train', 'method', 1, 5, { note: 'x'.repeat(300) })], warnings: ['y'.repeat(300)] }, { columns: 60 });
    expect(lines.map((line) => Array.from(line).length)).toEqual([36, 59, 59]);
  });

  it('takes out what a terminal would obey, from notes and warnings alike', () => {
    const lines = frame({ rows: [row('train', 'method', 1, 5, { note: 'a\u001b[2Jb\r' })], warnings: ['c\u001b]0;t\u0007d\ne'] });
    expect(lines[1]).toContain('ab');
    expect(lines[2]).toBe('! cd e');
    // oxlint-disable-next-line no-control-regex -- these are what must not come out
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });
});

describe('Screen', () => {
  function drawn(draw: (screen: Screen) => void): string {
    const stream = new PassThrough();
    const screen = new Screen(stream);
    draw(screen);
    screen.close();
    return String(stream.read());
  }

  it('draws over the frame before, and gives cursor and wrapping back', () => {
    const output = drawn((screen) => {
      screen.draw(['one', 'two']);
      screen.draw(['three']);
    });
    expect(output).toBe('\u001b[?25l\u001b[?7lone\ntwo\n\u001b[2A\u001b[1G\u001b[0Jthree\n\u001b[?7h\u001b[?25h');
  });

  it('writes nothing when the frame is the same', () => {
    const output = drawn((screen) => {
      screen.draw(['same']);
      screen.draw(['same']);
    });
    expect(output.match(/same/g)).toHaveLength(1);
  });

  it('shows why a run is paused and how it goes on', () => {
    const lines = frame({ rows: [row('extract', 'm', 3, 8, { state: 'paused' })], paused: { by: 'user', reason: 'lunch' } });
    expect(lines[0]).toBe('Run demo · smollm2 · paused · 2m 3s');
    expect(lines[1]).toMatch(/^⏸ extract m /);
    expect(lines.slice(-2)).toEqual(['⏸ paused: lunch', '  go on with: npx rehearse resume demo']);
  });
});
