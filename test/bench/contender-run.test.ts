import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killContender, runContender, type Contender, type ContenderJob } from '../../bench/contender-run';
import { startEndpoint, type BenchEndpoint } from '../../bench/endpoint';
import { identify } from '../../services/local/process-identity';

const PROMPTS = 20;

/** Sends prompts one by one, remembers in its folder how far it is, and does something of its own before it sends. */
function client(name: string, before = ''): Contender {
  const script = `
    const fs = require('node:fs');
    const [url, out] = process.argv.slice(1);
    const isSecondStart = fs.existsSync(out);
    fs.mkdirSync(out, { recursive: true });
    (async () => {
      ${before}
      const file = out + '/done';
      for (let index = isSecondStart ? Number(fs.readFileSync(file, 'utf8')) : 0; index < ${PROMPTS}; index++) {
        await (await fetch(url + '/v1/chat/completions', { method: 'POST', body: JSON.stringify({ messages: [{ role: 'user', content: 'prompt ' + index }] }) })).text();
        fs.writeFileSync(file + '.new', String(index + 1));
        fs.renameSync(file + '.new', file); // a kill cannot tear it
      }
      console.log(JSON.stringify({ cpuSeconds: 0.5, peakRssBytes: 1000 }));
    })();`;
  return { name, resumes: true, install: () => Promise.resolve(process.execPath), args: ({ url, out }) => ['-e', script, url, out] };
}

const HANGS_AT_SECOND_START = `if (isSecondStart) {
  const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)']);
  fs.writeFileSync(out + '/child', String(child.pid));
  await new Promise(() => 0);
}`;

describe("a client of the peers' benchmark", () => {
  let endpoint: BenchEndpoint;
  let folder: string;
  beforeEach(async () => {
    endpoint = await startEndpoint({ latencyMs: 20 });
    folder = mkdtempSync(join(tmpdir(), 'rehearse-contender-'));
  });
  afterEach(async () => {
    await endpoint.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const job = (contender: Contender, timeoutMs = 30_000): ContenderJob => ({
    contender,
    inFlight: 1,
    url: endpoint.baseURL.replace('/v1', ''),
    load: { folder, prompts: PROMPTS },
    folder: join(folder, 'client'),
    timeoutMs,
  });

  it('is measured by what has arrived at the endpoint, and by what its driver says of itself', async () => {
    expect(await runContender(job(client('good')))).toMatchObject({
      requests: PROMPTS,
      cpuSeconds: 0.5 / (PROMPTS / 1000),
      peakRssBytes: 1000,
    });
  });

  it('is killed in the middle and goes on at its second start, and what it sends again is counted', async () => {
    const { answered, repaid, resumeSeconds, failed } = await killContender(job(client('good')));
    expect(answered).toBeGreaterThanOrEqual(PROMPTS * 0.6);
    expect(answered).toBeLessThan(PROMPTS);
    expect(repaid).toBeLessThanOrEqual(1);
    expect(resumeSeconds).toBeGreaterThan(0);
    expect(failed).toBeUndefined();
  });

  it('that hangs at its second start has an outcome that says so, and none of its processes is left', async () => {
    const outcome = await killContender(job(client('hangs', HANGS_AT_SECOND_START), 3_000));
    expect(outcome.failed).toMatch(/^hung: no end after 3 s; \d+ of 20 prompts had been sent$/);
    expect(outcome.resumeSeconds).toBeUndefined();
    expect(identify(Number(readFileSync(join(folder, 'client', 'child'), 'utf8')))).toBeUndefined();
  });

  it('that fails is named with its exit code and the end of its log', async () => {
    await expect(runContender(job(client('fails', 'console.error("no such backend"); process.exit(3);')))).rejects.toThrow(
      /^ended with exit code 3; its log .*no such backend/s,
    );
    await expect(killContender(job(client('fails', 'process.exit(3);')))).rejects.toThrow('it ended before it was killed (exit code 3)');
  });
});
