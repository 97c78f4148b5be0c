import type { RunSpec } from './spec';

/** The most stop strings that the OpenAI API takes. */
export const MOST_STOPS = 4;

/** Stop strings of the extraction besides the template's. A newline comes first: of all stops only four are sent. */
export function extractionStops({ stop, stopAtNewline }: Pick<RunSpec['synthesis']['extract'], 'stop' | 'stopAtNewline'>): string[] {
  return stopAtNewline ? [...new Set(['\n', ...stop])] : [...stop];
}
