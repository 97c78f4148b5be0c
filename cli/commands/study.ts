import { join } from 'node:path';
import type { Command } from 'commander';
import { projectDir } from '../../services/local/paths';
import { openStore } from '../../services/runs/open-store';
import { runHere, webUiNote } from '../runs/run-here';

const STUDY_RUN_ID = 'study';

/** `rehearse study`: the table of replay sets on a real small model, on this machine. */
export function registerStudy(program: Command): void {
  program
    .command('study')
    .description('compare replay sets on a real small model, on this machine: every kind of row of the table, in an hour or more')
    .addHelpText(
      'after',
      '\nCtrl-C stops it; the same command goes on where it was. Its run id is "study", its spec examples/study/study.yaml.\ndocs/study.md says what came of it once, and what it does not show.',
    )
    .action(
      async () =>
        await runHere({
          runId: STUDY_RUN_ID,
          spec: join(projectDir(), 'examples', 'study', 'study.yaml'),
          again: 'npm run study',
          summary,
        }),
    );
}

async function summary(uiUrl: string | undefined): Promise<string> {
  const { store } = openStore();
  const rows = [
    ['Web UI', webUiNote(STUDY_RUN_ID, uiUrl)],
    ['report', store.location(`runs/${STUDY_RUN_ID}/report/report.html`)],
  ] as const;
  return `\n${rows.map(([name, value]) => `${name.padEnd(11)} ${value}`).join('\n')}\n`;
}
