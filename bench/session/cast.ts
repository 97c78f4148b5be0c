/** A recording of a terminal: https://docs.asciinema.org/manual/asciicast/v2/ */
export interface Cast {
  readonly header: Readonly<Record<string, unknown>>;
  readonly events: readonly CastEvent[];
}

/** Seconds since the beginning, what it is ("o": output), and the text. */
export type CastEvent = readonly [seconds: number, kind: string, text: string];

/** What is written within so many seconds of the played recording becomes one event: nobody sees more of it. */
const TOGETHER_S = 0.1;

/** Plays a recording faster where it takes longer than so many seconds. @param text an asciicast 2 */
export function fitIntoSeconds(text: string, seconds: number): { readonly cast: Cast; readonly tookMs: number } {
  const [header, ...events] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown) as [Cast['header'], ...CastEvent[]];
  const took = events.at(-1)?.[0] ?? 0;
  const faster = Math.max(1, took / seconds);
  const fitted: [number, string, string][] = [];
  for (const [at, kind, what] of events) {
    const last = fitted.at(-1);
    const shown = Math.round((at / faster) * 1_000) / 1_000;
    if (last !== undefined && last[1] === kind && shown - last[0] < TOGETHER_S) last[2] += what;
    else fitted.push([shown, kind, what]);
  }
  return { cast: { header, events: fitted }, tookMs: took * 1_000 };
}
