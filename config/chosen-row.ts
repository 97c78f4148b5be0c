import { parseSpec } from './load-spec';
import type { RunSpec } from './spec';

/** A row of a smaller run, as its spec has it. */
export interface ChosenRow {
  /** Spec of that run. */
  readonly spec: RunSpec;
  /** Its `variants` without all rows but the official model, the chosen one, and the one that this is interpolated from. */
  readonly variants: RunSpec['variants'];
}

/**
 * A spec with that one row instead of its own: with the share, the method and the learning rate of the run that it was chosen in. Steps, epochs, batches
 * and devices stay its own, since those go with the size.
 * @throws {SpecError} where the row does not fit the spec
 */
export function withChosenRow(spec: RunSpec, { spec: chosenIn, variants }: ChosenRow): RunSpec {
  const { sweep: _sweep, ...rest } = spec;
  const { method: _method, lora: _lora, osf: _osf, sdft: _sdft, distill: _distill, ...train } = spec.train;
  const { method, lora, osf, sdft, distill, learningRate } = chosenIn.train;
  const taken = Object.fromEntries(
    Object.entries({ method, lora, osf, sdft, distill, learningRate }).filter(([, value]) => value !== undefined),
  );
  return parseSpec({ ...rest, variants, mix: { ...spec.mix, newShare: chosenIn.mix.newShare }, train: { ...train, ...taken } });
}
