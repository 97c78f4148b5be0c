import type { Command } from 'commander';
import pc from 'picocolors';
import { weightsOf } from '../../config/fine-tuning';
import { trainingTraits } from '../../config/training-backends';
import { trains } from '../../config/until';
import { openStore } from '../../services/runs/open-store';
import { checkLimits } from '../doctor/check-limits';
import { checkDisk, checkGpu, checkNode, checkPython, checkStore } from '../doctor/check-machine';
import { checkProbes } from '../doctor/check-probes';
import { checkServer } from '../doctor/check-server';
import { checkSpec } from '../doctor/check-spec';
import { type Finding } from '../doctor/finding';
import { CliError } from '../terminal/errors';
import { oneLine, printJson } from '../terminal/output';

/** `rehearse doctor`: what this machine, the server and a spec lack. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check this machine, the Temporal server, the workers, and a spec with its endpoints; exits 1 when something fails')
    .option('--spec <spec>', 'check this spec too: its files, its keys, and that its endpoints serve its models')
    .option('--no-probe', 'do not send the endpoints of the spec a request (at most five of some tokens a model)')
    .option('--json', 'print a JSON array of {check, state, message, fix}')
    .action(async (options: { spec?: string; probe: boolean; json?: boolean }) => {
      const findings = await examine(options.spec, options.probe);
      if (options.json) printJson(findings);
      else process.stdout.write(renderFindings(findings, pc.isColorSupported && process.stdout.isTTY));
      const failed = findings.filter(({ state }) => state === 'fail');
      if (failed.length > 0) {
        throw new CliError(`${failed.length} of ${findings.length} checks failed: ${failed.map(({ check }) => check).join(', ')}`, {
          hint: 'each line above says the way out',
        });
      }
    });
}

async function examine(file: string | undefined, probes: boolean): Promise<Finding[]> {
  const spec = file === undefined ? { findings: [] } : await checkSpec(file);
  const needsGpu =
    spec.spec !== undefined && trains(spec.spec) && trainingTraits(spec.spec).readsWeights && !weightsOf(spec.spec).startsWith('builtin:');
  const groups = await Promise.all([
    checkPython(),
    checkGpu({ needed: needsGpu }),
    checkStore(() => openStore().store),
    checkDisk(),
    checkServer(),
    checkLimits(),
  ]);
  // An endpoint that fails already is not asked for more.
  const probed =
    spec.spec === undefined || !probes || spec.findings.some(({ state }) => state === 'fail')
      ? []
      : await checkProbes(spec.spec, process.env, spec.templates ?? {});
  return [checkNode(), ...groups.flat(), ...spec.findings, ...probed];
}

const MARKS = { ok: '✓', warn: '!', fail: '✗' } as const;

/** One line a finding, the way out below it. */
export function renderFindings(findings: readonly Finding[], color: boolean): string {
  const { green, yellow, red } = pc.createColors(color);
  const paint = { ok: green, warn: yellow, fail: red };
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, state, message, fix }) => [
    `${paint[state](MARKS[state])} ${state.padEnd(4)}  ${check.padEnd(width)}  ${oneLine(message, 400)}`,
    ...(fix === undefined ? [] : [`${' '.repeat(width + 10)}→ ${oneLine(fix, 400)}`]),
  ]);
  return `${lines.join('\n')}\n`;
}
