import pc from 'picocolors';

/** Says what set-up is doing while it downloads and builds. */
export interface SetupReporter {
  step(name: string): SetupStep;
}

export interface SetupStep {
  /** @param fraction part that is done, 0 to 1, where it is known */
  update(message: string, fraction?: number): void;
  done(message: string): void;
  fail(message: string): void;
}

export interface ConsoleReporterOptions {
  readonly stream?: Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>;
  readonly now?: () => number;
}

const TICK_MS = 1_000;
/** Plain lines of one step are at least this far apart, unless they say something new. */
const PLAIN_INTERVAL_MS = 5_000;
const MIN_COLUMNS = 40;

interface ActiveStep {
  readonly name: string;
  readonly startMs: number;
  message: string;
  fraction: number | undefined;
  shownMs: number;
}

/** Reports on stderr: one live line for all steps under way on a terminal, plain lines elsewhere. */
export function consoleReporter({ stream = process.stderr, now = Date.now }: ConsoleReporterOptions = {}): SetupReporter {
  const active = new Set<ActiveStep>();
  let ticking: NodeJS.Timeout | undefined;

  const seconds = ({ startMs }: ActiveStep): string => `${((now() - startMs) / 1000).toFixed(0)} s`;
  const describe = (step: ActiveStep): string =>
    `${step.name}: ${step.message}${step.fraction === undefined ? '' : ` ${(step.fraction * 100).toFixed(0)} %`} (${seconds(step)})`;

  const drawLive = (): void => {
    const share = Math.floor((Math.max(MIN_COLUMNS, stream.columns ?? 80) - 3) / active.size);
    const parts = [...active].map((step) => shorten(describe(step), share - 3));
    stream.write(`\r\u001b[2K${parts.length === 0 ? '' : `${pc.cyan('…')} ${parts.join(' · ')}`}`);
  };
  const drawPlain = (step: ActiveStep): void => {
    step.shownMs = now();
    stream.write(`… ${describe(step)}\n`);
  };
  const tick = (): void => {
    if (stream.isTTY) drawLive();
    else for (const step of active) if (step.message !== '' && now() - step.shownMs >= 2 * PLAIN_INTERVAL_MS) drawPlain(step);
  };

  return {
    step(name) {
      const step: ActiveStep = { name, startMs: now(), message: '', fraction: undefined, shownMs: Number.NEGATIVE_INFINITY };
      active.add(step);
      // A long silent command still shows that time passes; the timer never keeps the process alive.
      ticking ??= setInterval(tick, TICK_MS).unref();
      const end = (mark: string, message: string): void => {
        if (!active.delete(step)) return;
        stream.write(`${stream.isTTY ? '\r\u001b[2K' : ''}${mark} ${name}: ${message}\n`);
        if (active.size === 0) {
          clearInterval(ticking);
          ticking = undefined;
        } else if (stream.isTTY) drawLive();
      };
      return {
        update(message, fraction) {
          const isNews = fraction === undefined && message !== step.message;
          step.message = message;
          step.fraction = fraction;
          if (!active.has(step)) return;
          if (stream.isTTY) drawLive();
          else if (isNews || now() - step.shownMs >= PLAIN_INTERVAL_MS) drawPlain(step);
        },
        done: (message) => end(pc.green('✓'), `${message} (${seconds(step)})`),
        fail: (message) => end(pc.red('✗'), message),
      };
    },
  };
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(1, length - 1))}…`;
}
