/** Rows grouped by the instruction that they belong to, each group in the order of the rows. */
export function byInstruction<Row extends { readonly instructionId: string }>(rows: Iterable<Row>): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.instructionId);
    if (group === undefined) groups.set(row.instructionId, [row]);
    else group.push(row);
  }
  return groups;
}
