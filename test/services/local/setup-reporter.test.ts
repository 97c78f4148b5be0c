import { stripVTControlCharacters } from 'node:util';
import { consoleReporter } from '../../../services/local/setup-reporter';

function screen(isTTY: boolean, columns = 80) {
  let text = '';
  let ms = 0;
  const reporter = consoleReporter({
    stream: { write: (chunk: string | Uint8Array) => ((text += chunk.toString()), true), isTTY, columns },
    now: () => ms,
  });
  return { reporter, text: () => text, pass: (by: number) => (ms += by) };
}

test('plain lines: news at once, progress a few seconds apart', () => {
  const { reporter, text, pass } = screen(false);
  const step = reporter.step('tools');
  step.update('asking');
  step.update('asking');
  step.update('downloading', 0.1);
  pass(1_000);
  step.update('downloading', 0.2);
  pass(5_000);
  step.update('downloading', 0.5);
  step.done('there');
  step.update('late', 0.9);
  expect(stripVTControlCharacters(text())).toBe('… tools: asking (0 s)\n… tools: downloading 50 % (6 s)\n✓ tools: there (6 s)\n');
});

test('a terminal shows all steps under way in one line that fits', () => {
  const { reporter, text } = screen(true, 60);
  const one = reporter.step('one');
  const two = reporter.step('two');
  one.update('a'.repeat(100));
  two.update('b', 0.25);
  const live = stripVTControlCharacters(text().split('\r').at(-1) ?? '');
  expect(live).toContain('one: aaa');
  expect(live).toContain('two: b 25 %');
  expect(live.length).toBeLessThan(60);
  one.fail('no network');
  two.done('there');
  expect(text()).toContain('one: no network\n');
});
