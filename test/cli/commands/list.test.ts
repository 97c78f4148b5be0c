import { mergeRuns, type ListedRun } from '../../../cli/commands/list';

function run(runId: string, change: Partial<ListedRun> = {}): ListedRun {
  return { runId, status: null, stage: null, target: null, startedAt: null, paused: null, stored: false, ...change };
}

describe('mergeRuns', () => {
  it('gives each run once, as its latest start on the server left it', () => {
    const runs = mergeRuns(
      [
        run('a', { status: 'FAILED', stage: 'judge', startedAt: '2026-11-01T00:00:00Z' }),
        run('a', { status: 'RUNNING', stage: 'train', startedAt: '2026-11-02T00:00:00Z' }),
      ],
      [run('a', { target: 'm', startedAt: '2026-11-02T00:00:01Z', stored: true })],
    );
    expect(runs).toEqual([run('a', { status: 'RUNNING', stage: 'train', target: 'm', startedAt: '2026-11-02T00:00:00Z', stored: true })]);
  });

  it('keeps what only one side knows, newest first', () => {
    const runs = mergeRuns(
      [run('b', { status: 'RUNNING', startedAt: '2026-11-02T00:00:00Z' })],
      [
        run('c', { stage: 'done', startedAt: '2026-11-03T00:00:00Z', stored: true }),
        run('a', { startedAt: '2026-11-01T00:00:00Z', stored: true }),
      ],
    );
    expect(runs.map(({ runId, status, stored }) => [runId, status, stored])).toEqual([
      ['c', null, true],
      ['b', 'RUNNING', false],
      ['a', null, true],
    ]);
  });
});
