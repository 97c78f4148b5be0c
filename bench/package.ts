import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import prettyMs from 'pretty-ms';
import { cacheDir, projectDir } from '../services/local/paths';

/** What npm, Go and Python need of the environment to reach their registries; nothing else of it comes along. */
const PASSED =
  /^(PATH|LANG|TERM|TMPDIR|.*_proxy|.*_PROXY|npm_config_registry|NPM_CONFIG_.*|PIP_.*|UV_.*|GOPROXY|GOFLAGS|GONOSUMDB|GONOSUMCHECK|GOSUMDB|SSL_CERT_.*|NODE_EXTRA_CA_CERTS|REQUESTS_CA_BUNDLE)$/;

/**
 * Walks a new user's path from the package alone: packs it, and in an empty folder with an empty home lets npx install it and run the demo to its end.
 * `--warm` lends it this machine's tools and Python environment, so that only the package itself is new.
 */
function main(): void {
  const { warm } = parseArgs({ options: { warm: { type: 'boolean', default: false } } }).values;
  const root = mkdtempSync(join(tmpdir(), 'rehearse-walk-'));
  const home = join(root, 'home');
  const folder = join(root, 'empty');
  mkdirSync(home);
  mkdirSync(folder);
  try {
    const packed = JSON.parse(said('npm', ['pack', '--json', '--pack-destination', root], projectDir(), process.env)) as {
      filename: string;
    }[];
    // By a relative path, as one types it: an absolute one npx would try to start as a program.
    const tarball = packed[0]!.filename;
    renameSync(join(root, tarball), join(folder, tarball));
    const env: NodeJS.ProcessEnv = {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED.test(name))),
      HOME: home,
      NO_COLOR: '1',
      ...(warm ? { REHEARSE_CACHE: cacheDir() } : {}),
    };
    const startMs = performance.now();
    const { status } = spawnSync('npx', ['--yes', `./${tarball}`, 'demo'], { cwd: folder, env, stdio: 'inherit' });
    const took = prettyMs(performance.now() - startMs, { secondsDecimalDigits: 0 });
    if (status !== 0) throw new Error(`npx ./${tarball} demo ended with ${status}`);
    const store = join(home, '.local', 'share', 'rehearse', 'store', 'runs', 'demo', 'report');
    const report = existsSync(store) ? readFileSync(join(store, 'report.html'), 'utf8') : '';
    if (!report.includes('</html>')) throw new Error(`the demo left no report in ${store}`);
    const left = readdirSync(folder).filter((name) => name !== tarball);
    if (left.length > 0) throw new Error(`the demo left files where it was started: ${left.join(', ')}`);
    const replay = said('npx', ['--yes', `./${tarball}`, 'export', 'demo', '--stage', 'replay'], folder, env)
      .trim()
      .split('\n');
    console.log(
      `✓ npx installed the package and ran the demo in ${took} (${warm ? 'tools lent' : 'empty home'}); replay rows: ${replay.length}`,
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** @throws Error with what it said */
function said(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} says:\n${stdout}${stderr}`);
  return stdout;
}

main();
