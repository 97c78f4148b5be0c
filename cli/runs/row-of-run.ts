import { InvalidArgumentError, type Command } from 'commander';
import { withChosenRow } from '../../config/chosen-row';
import type { RunSpec } from '../../config/spec';
import { formatSigned } from '../../contract/figures';
import type { Interval } from '../../method/paired-bootstrap';
import { gatherReport } from '../../report/gather/report-data';
import { openStore } from '../../services/runs/open-store';
import { UsageError } from '../terminal/errors';
import { note } from '../terminal/loudness';
import { plainText } from '../terminal/output';
import { loadStoredRun } from './stored-run';

export interface RowOptions {
  readonly rowFrom?: string;
  readonly maxForgetting?: number;
}

/** `--row-from`, of commands that take a spec. */
export function withRowOptions(command: Command): Command {
  return command
    .option(
      '--row-from <run>',
      'instead of its variants, the row of a smaller run that learned most within a stated forgetting, as its report says',
    )
    .option('--max-forgetting <nats>', 'with --row-from: that forgetting (default: 0.05 nats a token)', nats);
}

/** Nats a token, from an argument. */
export function nats(value: string): number {
  const limit = Number(value);
  if (value.trim() === '' || !Number.isFinite(limit)) throw new InvalidArgumentError('Give nats a token, such as 0.05.');
  return limit;
}

/**
 * The spec with the row that is wanted, if one is; says which it is and what it rests on.
 * @throws UsageError where the run has no such row; SpecError where the row does not fit the spec
 */
export async function withRowOfRun(spec: RunSpec, { rowFrom, maxForgetting }: RowOptions): Promise<RunSpec> {
  if (rowFrom === undefined) {
    if (maxForgetting === undefined) return spec;
    throw new UsageError('--max-forgetting is for --row-from', { hint: 'name the run that a row is to be taken from' });
  }
  const opened = openStore();
  await loadStoredRun(opened.plans, rowFrom);
  const { frontier, spec: small } = await gatherReport({
    ...opened,
    runId: rowFrom,
    now: new Date(),
    ...(maxForgetting === undefined ? {} : { maxForgetting }),
  });
  if (frontier === null) {
    throw new UsageError(`run ${rowFrom} has not measured what its rows learned and forgot`, {
      hint: 'hold rows of both out with mix.holdOut, and let a trained row come to its end',
    });
  }
  const { name, variants, limit } = frontier.choice;
  const point = frontier.points.find((each) => each.name === name);
  if (variants === null || point === undefined) {
    throw new UsageError(`no row of run ${rowFrom} that learned anything stays within a forgetting of ${limit} nats a token`, {
      hint: 'state another one with --max-forgetting',
    });
  }
  note(
    `takes the row ${plainText(point.name)} of run ${plainText(rowFrom)}: it learned ${shown(point.gain)} and forgot ${shown(point.forgetting)} nats a token` +
      `${point.tooFew ? ', on too few conversations to say that another is worse' : ''}; steps, epochs and batches are this spec's own`,
  );
  return withChosenRow(spec, { spec: small, variants });
}

function shown({ value, low, high }: Interval): string {
  return `${formatSigned(value, 3)}${low === null || high === null ? '' : ` (${formatSigned(low, 3)} to ${formatSigned(high, 3)})`}`;
}
