interface Gate {
  readonly name: string;
  readonly failure: string;
  readonly command: readonly string[];
  readonly way: string;
}
interface Options {
  readonly python: Promise<string>;
  readonly gates: readonly Gate[];
  readonly write: (text: string) => void;
}
interface Counts {
  readonly passed: number;
  readonly failed: number;
}
const { runGates } = jest.requireActual<{ runGates: (options: Options) => Promise<Counts> }>('../../gate/run-gates.js');

const NODE = process.execPath;
const gate = (name: string, command: readonly string[]): Gate => ({ name, failure: 'it is bad', command, way: '"PYTHON fix" fixes it' });

/** What the gates say, without the seconds, and their counts. */
async function run(gates: readonly Gate[], python = Promise.resolve(NODE)): Promise<Counts & { readonly said: string }> {
  let said = '';
  const counts = await runGates({ python, gates, write: (text) => (said += text) });
  return { ...counts, said: said.replace(/\(\d+\.\d s\)/g, '(time)') };
}

test('each gate has its line in the order of the list, and one that fails stops none and says what it found and the way out', async () => {
  const { said, ...counts } = await run([
    gate('first', ['node', '-e', '']),
    gate('second', ['node', '-e', 'console.log("found on stdout"); console.error("found on stderr"); process.exit(3)']),
    gate('third', ['python', '-p', 'process.cwd()']),
  ]);
  expect(said.split('\n')).toEqual([
    '✓ first (time)',
    expect.stringMatching(/^found on std/),
    expect.stringMatching(/^found on std/),
    `✗ second: it is bad; "python fix" fixes it (time)`,
    '✓ third (time)',
    '',
  ]);
  expect(counts).toEqual({ passed: 2, failed: 1 });
});

test('the interpreter stands where a gate or its way out names it', async () => {
  const { said } = await run([gate('python', ['python', '-e', 'console.log(process.argv[1]); process.exit(1)', 'PYTHON'])]);
  expect(said).toBe(`${NODE}\n✗ python: it is bad; "${NODE} fix" fixes it (time)\n`);
});

test('a program that cannot be started, or is ended by a signal, is a gate that failed', async () => {
  const { said, ...counts } = await run([
    gate('missing', ['no-such-program-anywhere']),
    gate('ended', ['node', '-e', 'process.kill(process.pid, "SIGKILL")']),
  ]);
  expect(said).toContain('no-such-program-anywhere ENOENT\n✗ missing');
  expect(said).toContain('node was ended by SIGKILL\n✗ ended');
  expect(counts).toEqual({ passed: 0, failed: 2 });
});

test('without a Python environment the gates that need it fail, and the others run', async () => {
  const python = Promise.reject<string>(new Error('no Python here'));
  const { said, ...counts } = await run([gate('python', ['python', '-V']), gate('node', ['node', '-e', ''])], python);
  expect(said).toBe('no Python here\n✗ python: it is bad; "python fix" fixes it (time)\n✓ node (time)\n');
  expect(counts).toEqual({ passed: 1, failed: 1 });
});
