import { join } from 'node:path';
import { gatherReport } from '../../../report/gather/report-data';
import { comparePage } from '../../../report/page/compare-runs';
import { renderMarkdown } from '../../../report/render/render-markdown';
import { writeSampleRun } from '../../support/sample-run';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();

test('two runs in one store show what differs, what is shared, and both scores', async () => {
  const root = join(folder(), 'store');
  await writeSampleRun({ root, runId: 'first' });
  const { store, stages, plans } = await writeSampleRun({
    root,
    runId: 'second',
    spec: (spec) => ({ ...spec, train: { ...spec.train, maxSteps: 9 } }),
  });
  const [a, b] = await Promise.all(
    ['first', 'second'].map(async (runId) => await gatherReport({ store, stages, plans, runId, now: new Date(0) })),
  );
  const page = renderMarkdown(comparePage(a!, b!));
  expect(page).toContain('train.maxSteps');
  expect(page).toMatch(/These outputs are the same, computed once: extract .* Different: train method and evaluate method\./);
  expect(page).toContain('| method | Average |');
});
