/**
 * The end of a switch that knows every value: a value that is added to the type no longer compiles here.
 * @throws Error at run time, where data from outside holds a value that its type does not have
 */
export function unreachable(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
}
