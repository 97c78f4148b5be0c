import { MethodError } from './method-error';

const INDEX_DIGITS = 7;

/**
 * `i` and seven digits, so that ids sort in the order of generation: `i0000042`.
 * @throws {MethodError} when the index is not a whole number from 0 to 9,999,999.
 */
export function instructionId(index: number): string {
  return itemId('i', index);
}

/** The same for a prompt of a data set: `p0000042`. @throws {MethodError} as {@link instructionId} */
export function promptId(index: number): string {
  return itemId('p', index);
}

function itemId(kind: 'i' | 'p', index: number): string {
  if (!Number.isInteger(index) || index < 0 || index >= 10 ** INDEX_DIGITS) {
    throw new MethodError(`an instruction's index is ${index}; it must be a whole number from 0 to 9,999,999: split larger runs`);
  }
  return `${kind}${String(index).padStart(INDEX_DIGITS, '0')}`;
}

/** The index in an id that {@link instructionId} or {@link promptId} made. @throws {MethodError} on any other text. */
export function instructionIndex(id: string): number {
  const match = /^[ip](\d{7})$/.exec(id);
  if (match === null) throw new MethodError(`"${id}" is not an instruction's id; one looks like i0000042`);
  return Number(match[1]);
}

/** `<instruction>:<generator>:<sample>`; model names hold no colon, so the id splits again. */
export function responseId(instruction: string, generator: string, sample: number): string {
  if (!Number.isInteger(sample) || sample < 0) {
    throw new MethodError(`the sample of ${generator} for ${instruction} is ${sample}; give a whole number from 0`);
  }
  return `${instruction}:${generator}:${sample}`;
}

/** `<response>:<judge>`. */
export function judgmentId(response: string, judge: string): string {
  return `${response}:${judge}`;
}
