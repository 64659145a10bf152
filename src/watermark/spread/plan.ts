import type { ModelKey } from "../model-key.ts";
import type { PayloadClass } from "../payload-class.ts";
import type { SpreadEdit } from "../tensor-edit.ts";
import { amplitudesTo, type Chips, chipsOf, editsWith } from "./amplitudes.ts";
import { effectiveRms } from "./effective-rms.ts";
import type { SpreadUnits } from "./spread-units.ts";

/** Below, most of the energy goes into cancelling what the weights say by themselves. */
export const MIN_ALPHA = 1;

/** What marking changes so that chip i reads `targets[i]`. */
export interface SpreadPlan {
  readonly payloadClass: PayloadClass;
  /** Strength of a chip after marking, where the weights by themselves give about N(0, 1). */
  readonly alpha: number;
  /** alpha * symbol. */
  readonly targets: Float64Array;
  /** RMS of the change of the marked weights in units of the Sinkhorn form: before rounding, which is the budget, and after. */
  readonly rms: { readonly planned: number; readonly predicted: number };
  /** By address, for `ViewEdit.spread`. */
  readonly edits: ReadonlyMap<string, SpreadEdit>;
}

/**
 * Amplitudes that bring every chip from what it says, x_i, to alpha b_i exactly, alpha as large as the budget allows:
 * the squares of all changes add up to `rho`^2 for every weight that can be moved. Moving a chip by d costs d^2 over the
 * fraction of its weights that can be moved, so sum (alpha b_i - x_i)^2 / f_i = N rho^2 is a quadratic equation in alpha.
 *
 * @param units read with `marking`
 * @param symbols +1 or -1 per chip
 * @param rho RMS of the change in units of the Sinkhorn form
 * @returns null when the model is too small: a chip is empty, or alpha would be below MIN_ALPHA
 */
export function planSpread(
  units: SpreadUnits,
  symbols: Int8Array,
  payloadClass: PayloadClass,
  key: ModelKey,
  rho: number,
): SpreadPlan | null {
  const chips = chipsOf(units, payloadClass);
  if (chips === null) return null;
  const alpha = strength(chips, symbols, rho);
  if (!(alpha >= MIN_ALPHA)) return null;
  const targets = Float64Array.from(symbols, (symbol) => alpha * symbol);
  const amplitudes = amplitudesTo(targets, chips);
  const moved = chips.counts.map((count, i) => count * chips.fractions[i]!);
  const total = moved.reduce((a, b) => a + b, 0);
  const planned = Math.sqrt(amplitudes.reduce((sum, a, i) => sum + a * a * moved[i]!, 0) / total);
  const predicted = effectiveRms(amplitudes, moved, [...units.matrices.values()]);
  const edits = editsWith(units, amplitudes, payloadClass, key, 1);
  return { payloadClass, alpha, targets, rms: { planned, predicted }, edits };
}

/** The strength that `planSpread` would reach, whatever it is; NaN when the budget does not even cancel the weights. */
export function spreadStrength(
  units: SpreadUnits,
  symbols: Int8Array,
  payloadClass: PayloadClass,
  rho: number,
): number {
  const chips = chipsOf(units, payloadClass);
  return chips === null ? Number.NaN : strength(chips, symbols, rho);
}

/** The larger root alpha of sum (alpha b_i - x_i)^2 / f_i = rho^2 sum n_i f_i. */
function strength({ values, counts, fractions }: Chips, symbols: Int8Array, rho: number): number {
  let square = 0;
  let cross = 0;
  let rest = 0;
  for (let i = 0; i < values.length; i++) {
    const [x, f] = [values[i]!, fractions[i]!];
    square += 1 / f;
    cross += (symbols[i]! * x) / f;
    rest += (x * x) / f - rho * rho * counts[i]! * f;
  }
  return (cross + Math.sqrt(cross * cross - square * rest)) / square;
}
