/** Failures are counted by the fixed words before the first colon and space; what follows differs from item to item. */
export function reasonWords(reason: string): string {
  const end = reason.indexOf(': ');
  return end <= 0 ? reason : reason.slice(0, end);
}
