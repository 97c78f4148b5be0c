import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootstrapDifference } from '../../method/paired-bootstrap';
import type { PairedTask } from '../../method/paired-tasks';
import { createRandom } from '../../method/random';
import { signFlipTest } from '../../method/sign-flip';
import { projectDir } from '../../services/local/paths';
import { ensurePython } from '../../services/local/python-environment';
import { runCommand } from '../../services/local/run-command';
import { quietReporter } from '../support/temporal';

/** What python/tests/scipy_statistics.py says of a case. */
interface ScipySays {
  readonly p: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly percentile: readonly [number, number];
}

const random = createRandom(11);
const noise = (): number => random.below(2_001) / 1_000 - 1;
const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

/** Right and wrong answers: of ten documents `fell` are lost and `rose` are learned. */
const answers = (count: number, fell: number, rose: number): number[] =>
  many(count, (index) => (index % 10 < fell ? -1 : index % 10 < fell + rose ? 1 : 0));

const CASES: Readonly<Record<string, readonly PairedTask[]>> = {
  'five unequal losses, all above 0': [{ differences: [0.31, 0.12, 0.55, 0.2, 0.27], scale: 1 }],
  'twelve losses that count by their tokens': [
    { differences: many(12, () => 0.1 + 0.2 * noise()), weights: many(12, (index) => 10 + 7 * index), scale: 1 },
  ],
  'sixty losses, skewed': [{ differences: many(60, () => 0.05 + Math.exp(1.5 * noise()) / 4 - 0.3), scale: 1 }],
  'forty answers, two lost': [{ differences: answers(40, 0, 0).map((_, index) => (index < 2 ? -1 : 0)), scale: 100 }],
  'twelve answers, six lost and one learned': [{ differences: [-1, -1, -1, -1, -1, -1, 1, 0, 0, 0, 0, 0], scale: 100 / 0.9 }],
  'two hundred answers': [{ differences: answers(200, 2, 1), scale: 100 }],
  'an average of three tasks': [
    { differences: answers(60, 2, 1), scale: 100 / 0.75 },
    { differences: answers(30, 1, 1), scale: 100 },
    { differences: many(25, () => (noise() > 0 ? 0.5 : -1 / 3)), scale: 100 },
  ],
};

let root: string;
let scipy: readonly ScipySays[];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'rehearse-scipy-'));
  const file = join(root, 'cases.json');
  writeFileSync(file, JSON.stringify(Object.values(CASES).map((tasks) => ({ tasks }))));
  const { python, env } = await ensurePython(quietReporter);
  const printed = await runCommand({ command: python, args: [join(projectDir(), 'python', 'tests', 'scipy_statistics.py'), file], env });
  scipy = JSON.parse(printed) as ScipySays[];
}, 120_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

const says = (name: string): ScipySays => scipy[Object.keys(CASES).indexOf(name)]!;

describe.each(Object.entries(CASES))('%s', (name, tasks) => {
  test('p is that of scipy’s permutation test: to the last digits where both count all outcomes, within chance where one draws', () => {
    const { p, exact } = signFlipTest(tasks, { name, seed: 1 });
    const changed = tasks.flatMap(({ differences }) => differences).filter((difference) => difference !== 0).length;
    // Five standard errors of a share of 99,999 draws, on both sides.
    const slack = exact && changed <= 14 ? 1e-10 : 1e-4 + 10 * Math.sqrt((p * (1 - p)) / 99_999);
    expect(Math.abs(p - says(name).p)).toBeLessThan(slack);
  });

  test('the interval is scipy’s BCa within what the resamples of both vary by', () => {
    const { low, high } = bootstrapDifference(tasks, { name, seed: 1, resamples: 20_000 });
    const [expectedLow, expectedHigh] = [says(name).low ?? says(name).percentile[0], says(name).high ?? says(name).percentile[1]];
    // Means of right and wrong answers go in steps, and an end may fall on either side of one.
    const step = Math.min(
      ...tasks.map(({ differences, scale }) => (differences.every(Number.isInteger) ? scale / differences.length / tasks.length : 0)),
    );
    const slack = 0.05 * (expectedHigh - expectedLow) + step;
    expect(Math.abs(low! - expectedLow)).toBeLessThan(slack);
    expect(Math.abs(high! - expectedHigh)).toBeLessThan(slack);
  });
});
