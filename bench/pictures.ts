import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { modelOf } from '../config/models-in-use';
import { ensureModel, startModelServer } from '../services/local/local-model';
import { dataDir, projectDir } from '../services/local/paths';
import { ensurePython } from '../services/local/python-environment';
import { consoleReporter } from '../services/local/setup-reporter';
import { openStore } from '../services/runs/open-store';
import { loadSpecFile } from '../services/runs/spec-files';
import { takeTerminalPicture } from './terminal-picture';
import { takeViewPictures } from './view-pictures';

const USAGE = `usage: npm run demo && node dist/bench/pictures.js [--out DIR] [viewer | chat | preview …]

Takes the pictures of the viewer, the chat and the preview that docs/images holds: of the run "demo" in this machine's store (REHEARSE_HOME),
with a Chromium of the machine (Debian: apt install chromium; CHROMIUM is another path). The preview asks the demo's model, which is started
for it.`;

const RUN = 'demo';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { out: { type: 'string' }, help: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const out = values.out ?? join(projectDir(), 'docs', 'images');
  await mkdir(out, { recursive: true });
  const wanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name);
  const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    if (wanted('viewer')) await takeViewPictures({ browser, opened: openStore(), runId: RUN, out });
    if (wanted('chat')) {
      const question = ['--prompt', 'What is the capital of France?', '--max-tokens', '64'];
      await takeTerminalPicture({ browser, command: ['model', RUN, '--chat', ...question], file: join(out, 'chat.png') });
    }
    if (wanted('preview')) {
      await withDemoModel(async () => {
        await takeTerminalPicture({ browser, command: ['preview', 'demo', '-n', '2'], lines: 34, file: join(out, 'preview.png') });
      });
    }
  } finally {
    await browser.close();
  }
}

/** While the model of config/demo.yaml answers, where that says. @throws Error when another program has its port */
async function withDemoModel(body: () => Promise<void>): Promise<void> {
  const spec = await loadSpecFile('demo');
  const { baseURL } = modelOf(spec, spec.target.model);
  const reporter = consoleReporter();
  const python = await ensurePython(reporter);
  const { gguf } = await ensureModel(reporter, python);
  const logs = join(dataDir(), 'logs');
  await mkdir(logs, { recursive: true });
  const server = await startModelServer({
    gguf,
    python,
    port: Number(new URL(baseURL).port),
    logFile: join(logs, 'model.log'),
    concurrency: 8,
  });
  try {
    if (server.baseURL !== baseURL) throw new Error(`the demo's model is asked at ${baseURL}, and another program has that port`);
    await body();
  } finally {
    await server.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
