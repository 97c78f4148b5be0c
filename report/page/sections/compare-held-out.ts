import { formatCounted, formatDecimal, formatList, NO_VALUE, formatSigned } from '../../../contract/figures';
import { HELD_OUT_SETS, type HeldOutSet } from '../../../method/hold-out';
import type { HeldOutSetReport, HeldOutVariant } from '../../gather/held-out-report';
import type { ReportData } from '../../gather/run-report';
import { info, table, text, type Block, type Cell, type Section } from '../blocks';
import { HELD_OUT_TITLES } from './held-out-section';

type Side = Pick<ReportData, 'runId' | 'heldOut'>;

/**
 * Losses of two runs on the rows that each held out of training. A loss is compared with another only where both were taken on the same
 * texts and tokens; each run's own change from its official model stands beside it.
 */
export function compareHeldOut(a: Side, b: Side): Section[] {
  if (a.heldOut === null && b.heldOut === null) return [];
  const without = [a, b].filter(({ heldOut }) => heldOut === null || heldOut.length === 0).map(({ runId }) => runId);
  return [
    {
      id: 'held-out',
      title: 'Forgetting and gain, by loss',
      blocks:
        without.length > 0
          ? [
              info(
                `There is nothing to compare: ${formatList(without)} ${without.length === 1 ? 'has' : 'have'} no loss on held-out rows (mix.holdOut).`,
              ),
            ]
          : HELD_OUT_SETS.flatMap((set) => compareSet(set, a, b)),
    },
  ];
}

function compareSet(set: HeldOutSet, a: Side, b: Side): Block[] {
  const [left, right] = [setOf(a, set), setOf(b, set)];
  if (left === undefined && right === undefined) return [];
  if (left === undefined || right === undefined) {
    return [info(`Only ${left === undefined ? b.runId : a.runId} held out rows of the ${HELD_OUT_TITLES[set]}.`)];
  }
  const same = left.content !== null && left.content === right.content && left.tokens === right.tokens;
  const names = [...new Set([...left.variants, ...right.variants].map(({ name }) => name))];
  const rows = names.map((name): Cell[] => {
    const [x, y] = [left, right].map(({ variants }) => variants.find((variant) => variant.name === name));
    return [name, loss(x), loss(y), ...(same ? [x === undefined || y === undefined ? NO_VALUE : formatSigned(y.loss - x.loss, 3)] : [])];
  });
  return [
    text(
      same
        ? `Both took the loss on the same ${formatCounted(left.conversations, 'conversation')} of the ${HELD_OUT_TITLES[set]}.`
        : `The two held out different rows of the ${HELD_OUT_TITLES[set]} (${size(a, left)}; ${size(b, right)}), so their losses are not compared. Each run’s changes from the official model, in brackets, can be, with care.`,
    ),
    table(
      `Loss on the ${HELD_OUT_TITLES[set]}, in nats a token (change from the run’s official model)`,
      ['Variant', `>${a.runId}`, `>${b.runId}`, ...(same ? ['>Difference'] : [])],
      rows,
    ),
  ];
}

function setOf({ heldOut }: Side, set: HeldOutSet): HeldOutSetReport | undefined {
  return heldOut?.find((each) => each.set === set);
}

function size({ runId }: Side, { conversations, tokens }: HeldOutSetReport): string {
  return `${runId}: ${formatCounted(conversations, 'conversation')}, ${formatCounted(tokens, 'token')}`;
}

function loss(variant: HeldOutVariant | undefined): string {
  if (variant === undefined) return NO_VALUE;
  return variant.change === null
    ? formatDecimal(variant.loss, 3)
    : `${formatDecimal(variant.loss, 3)} (${formatSigned(variant.change.value, 3)})`;
}
