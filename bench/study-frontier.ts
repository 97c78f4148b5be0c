import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { paretoFront } from '../method/pareto';
import { frontierChart, type FrontierMark } from '../report/page/charts/frontier-chart';
import { TONE_MARKS, toneOfKind } from '../report/page/charts/variant-charts';
import { drawChart } from '../report/render/draw-chart';
import { projectDir } from '../services/local/paths';

/**
 * Draws docs/images/frontier.svg from docs/study/held-out.csv, the losses of the small study:
 * `node -r ./test/support/ts-hook.cjs bench/study-frontier.ts`
 */

/** The page's light colours: an image by itself has no style sheet. */
const COLORS: Readonly<Record<string, string>> = {
  c1: '#0e6a6b',
  c2: '#5b57b3',
  c3: '#b87514',
  c4: '#a4476e',
  c6: '#3a6ca6',
  ink: '#1d2321',
  dim: '#5c6663',
  line: '#dfe4e1',
};

const KINDS = { method: 'method', 'first-response': 'first-response', 'target-best': 'target-best', 'new-data-only': 'none' } as const;

async function main(): Promise<void> {
  const lines = (await readFile(join(projectDir(), 'docs', 'study', 'held-out.csv'), 'utf8')).trim().split(/\r?\n/);
  const [header, ...rows] = lines.map((line) => line.split(','));
  const column = (row: readonly string[], name: string): number => Number(row[header!.indexOf(name)]);
  const changeOf = (set: string, variant: string): readonly [number, number, number] => {
    const row = rows.find((each) => each[0] === set && each[1] === variant)!;
    return [column(row, 'difference'), column(row, 'low'), column(row, 'high')];
  };
  const variants = [...new Set(rows.map((row) => row[1]!))].filter((name) => name !== 'official');
  const points: FrontierMark[] = [
    { name: 'official', mark: 'ink', gain: 0, forgetting: 0, gainInterval: null, forgettingInterval: null },
    ...variants.map((name): FrontierMark => {
      const [learned, learnedLow, learnedHigh] = changeOf('new', name);
      const [forgetting, low, high] = changeOf('own', name);
      const kind = name.startsWith('method') ? 'method' : (KINDS[name as keyof typeof KINDS] ?? 'dataset');
      return {
        name,
        mark: TONE_MARKS[toneOfKind(kind)],
        gain: -learned,
        forgetting,
        gainInterval: [-learnedHigh, -learnedLow],
        forgettingInterval: [low, high],
      };
    }),
  ];
  const front = paretoFront(points.map(({ name, gain, forgetting }) => ({ name, gain, cost: forgetting }))).map(({ name }) => name);
  const shares = variants.filter((name) => name.startsWith('method'));
  const svg = (await drawChart(frontierChart(points, front, [shares])))
    .replace(/var\(--(\w+)\)/g, (_, name: string) => COLORS[name] ?? '#000')
    .replaceAll('font-family="inherit"', 'font-family="sans-serif"')
    .replace(/ style="--natural:[^"]*"/, '')
    .replace(/(<svg[^>]*>)/, '$1<rect width="100%" height="100%" fill="#ffffff"/>');
  await writeFile(join(projectDir(), 'docs', 'images', 'frontier.svg'), `${svg}\n`);
  process.stdout.write(`${JSON.stringify({ front })}\n`);
}

void main();
