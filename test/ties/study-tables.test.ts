import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { variantsCsv, tasksCsv, heldOutCsv } from '../../report/render/report-csv';
import { projectDir } from '../../services/local/paths';

const study = (name: string): string => readFileSync(join(projectDir(), 'docs', 'study', name), 'utf8').replaceAll('\r\n', '\n');
const header = (csv: string): string | undefined => csv.split(/\r?\n/)[0];

// That recompute_table.py knows these columns is tested in test/report/gather/recompute-table.test.ts.
test.each([
  ['variants.csv', variantsCsv([], ['ifeval'])],
  ['tasks.csv', tasksCsv([])],
  ['held-out.csv', heldOutCsv([])],
])("the study's %s has the columns that a report has now", (name, empty) => {
  expect(header(study(name))).toBe(header(empty));
});
