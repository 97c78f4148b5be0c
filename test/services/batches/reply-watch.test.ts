import { ReplyWatch, UnusableRepliesError, type WatchedItem } from '../../../services/batches/reply-watch';
import { createRedact } from '../../../services/endpoints/secrets';
import { refused, replied } from '../../support/exchanges';

const KEY = 'abcdefghijklmnop';
const watched = { endpoint: 'model "glm" at http://127.0.0.1:9/v1', model: 'glm', stage: 'respond', redact: createRedact([KEY]) };

function lost(index: number, { reason = 'empty', exchange = replied(['']) } = {}): WatchedItem {
  const id = `i${index}`;
  return { id, rows: [], failures: [{ stage: 'respond', id, model: 'glm', reason, attempts: 3 }], exchanges: [exchange] };
}

function usable(index: number): WatchedItem {
  return { id: `i${index}`, rows: [{ id: `i${index}` }], failures: [], exchanges: [replied(['B'])] };
}

/** Adds items until the watch throws; returns how many it took, and the message. */
function until(
  items: Iterable<WatchedItem>,
  watch = new ReplyWatch(),
  stage = watched.stage,
): { readonly after: number; readonly message: string } {
  let after = 0;
  try {
    for (const item of items) {
      after++;
      watch.add(item, { ...watched, stage });
    }
  } catch (error) {
    if (!(error instanceof UnusableRepliesError)) throw error;
    return { after, message: error.message };
  }
  return { after, message: '' };
}

const many = (count: number, of: (index: number) => WatchedItem): WatchedItem[] => Array.from({ length: count }, (_, index) => of(index));

describe('a watch over unusable replies', () => {
  it('stops at the twentieth item when none before was usable', () => {
    expect(until(many(100, lost))).toEqual({
      after: 20,
      message:
        'model "glm" at http://127.0.0.1:9/v1: all of the first 20 items of respond came out unusable (empty: 20); the last time came back ' +
        "an empty text with finish_reason stop; look at what the endpoint sends, mend it or the spec's models.glm, and start the changed " +
        'spec as another run, which finds what is paid for already and still fits',
    });
  });

  it('does not stop for one usable item among them, until ninety of a hundred are not', () => {
    expect(until(many(400, (index) => (index % 10 === 5 ? usable(index) : lost(index)))).after).toBe(100);
    expect(until(many(400, (index) => (index % 10 < 2 ? usable(index) : lost(index)))).message).toBe('');
    expect(until(many(500, (index) => (index < 200 ? usable(index) : lost(index)))).after).toBe(290);
  });

  it('counts an item once that is played again, and stops at once where it stopped before', () => {
    const watch = new ReplyWatch();
    expect(until(many(15, lost), watch).message).toBe('');
    expect(until(many(15, lost), watch).message).toBe('');
    expect(until(many(20, lost), watch).after).toBe(20);
    expect(until(many(20, lost), watch).after).toBe(1);
  });

  it('takes an item of several samples for usable when one of them is, and a judgment without a score for none', () => {
    const failure = { stage: 'judge', id: 'a', model: 'glm', reason: 'no "Score:" in the last line', attempts: 1 } as const;
    const partly = { id: 'a', rows: [{ id: 'b' }], failures: [failure], exchanges: [replied(['Good.'])] };
    expect(until(many(30, (index) => ({ ...partly, id: String(index) }))).message).toBe('');
    const unscored = { ...partly, rows: [{ id: 'a' }] };
    const { after, message } = until(
      many(30, (index) => ({ ...unscored, id: String(index) })),
      new ReplyWatch(),
      'judge',
    );
    expect(after).toBe(20);
    expect(message).toContain('synthesis.judge.scoring: expected');
  });

  it.each([
    ['unfinished thinking', 'models.glm.thinking.maxTokens'],
    ['nothing but thinking', 'models.glm.thinking.mode: off'],
    ['truncated', 'raise synthesis.respond.sampling.maxTokens'],
    ['ended: null', 'unusable (ended: null: 20); '],
    ['ended: null', 'set models.glm.tellsEnds: false'],
  ])('says what to do about %s', (reason, advice) => {
    expect(until(many(20, (index) => lost(index, { reason }))).message).toContain(advice);
  });

  it('shows what came back in one bounded line, without pieces of the key', () => {
    const text = `line\n\u001b[2Jtwo xx${KEY.slice(2, 12)}xx ${'long '.repeat(10_000)}end`;
    const { message } = until(many(20, (index) => lost(index, { exchange: replied([text]) })));
    expect(message).toContain('two xx[redacted]xx');
    expect(message).not.toContain('cdefghij');
    expect(message).not.toContain('\n');
    expect(message).not.toContain('\u001b');
    expect(message.length).toBeLessThan(700);
    const thought = replied([{ text: '', reasoning: 'So the user wants', finishReason: 'length' }]);
    expect(until(many(20, (index) => lost(index, { exchange: thought }))).message).toContain(
      'no text, but the thought "So the user wants" with finish_reason length',
    );
    expect(until(many(20, (index) => lost(index, { exchange: refused('too long') }))).message).toContain('"refused: too long"');
  });

  it('does not count items of which no call was made, such as responses that cannot win', () => {
    const skipped = many(30, (index): WatchedItem => ({ ...usable(1000 + index), exchanges: [] }));
    expect(until([...skipped, ...many(100, lost)]).after).toBe(30 + 20);
  });
});

describe('the first items of a model', () => {
  const running = new AbortController().signal;
  /** Which of them have begun, in order. */
  async function begin(watch: ReplyWatch, count: number, signal = running) {
    const begun: (() => void)[] = [];
    const failed: unknown[] = [];
    const all = many(count, usable).map(
      async () =>
        await watch.admit(signal).then(
          (leave) => void begun.push(leave),
          (error) => void failed.push(error),
        ),
    );
    await settled();
    return { begun, failed, all: Promise.all(all) };
  }
  const settled = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

  it('are twenty at once until one of them is usable, then all that want to', async () => {
    const watch = new ReplyWatch();
    const { begun, all } = await begin(watch, 100);
    expect(begun).toHaveLength(20);
    watch.add(usable(7), watched);
    await all;
    expect(begun).toHaveLength(100);
  });

  it('are twenty in all when none is usable: the alarm ends those that wait', async () => {
    const watch = new ReplyWatch();
    const { begun, failed, all } = await begin(watch, 100);
    const [last, ...others] = [...begun].reverse();
    for (const [index, leave] of others.entries()) {
      watch.add(lost(index), watched);
      leave();
      await settled();
    }
    expect(failed).toEqual([]);
    expect(() => watch.add(lost(19), watched)).toThrow(UnusableRepliesError);
    last?.();
    await all;
    expect(begun).toHaveLength(20);
    expect(failed).toHaveLength(80);
    expect(failed.every((error) => error instanceof UnusableRepliesError)).toBe(true);
    await expect(watch.admit(running)).rejects.toThrow(UnusableRepliesError);
  });

  it('make room where they end without a result, as when a batch is stopped or an item is set aside', async () => {
    const watch = new ReplyWatch();
    const { begun } = await begin(watch, 25);
    for (const leave of begun.slice(0, 3)) leave();
    await settled();
    expect(begun).toHaveLength(23);
  });

  it('wait no longer than their batch', async () => {
    const watch = new ReplyWatch();
    await begin(watch, 20);
    const stop = new AbortController();
    const { failed, all } = await begin(watch, 2, stop.signal);
    stop.abort(new Error('the worker ends'));
    await all;
    expect(failed).toEqual([new Error('the worker ends'), new Error('the worker ends')]);
  });
});
