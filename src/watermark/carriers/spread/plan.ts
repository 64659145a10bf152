import type { SpreadEdit } from "../../host/tensor-edit.ts";
import type { ModelKey } from "../../key/model-key.ts";
import { chipMoves } from "../../message/chip-moves.ts";
import type { PayloadClass } from "../../message/payload-class.ts";
import { amplitudesTo, chipsOf, editsWith } from "./amplitudes.ts";
import { effectiveRms } from "./effective-rms.ts";
import type { SpreadUnits } from "./spread-units.ts";

/** What marking changes so that chip i reads `targets[i]`. */
export interface SpreadPlan {
  readonly payloadClass: PayloadClass;
  /** Strength of a chip after marking, where the weights by themselves give about N(0, 1). */
  readonly alpha: number;
  /** +1 or -1 per chip. */
  readonly symbols: Int8Array;
  /** What every chip is to read: alpha * symbol; for the zero-bit class alpha on average. */
  readonly targets: Float64Array;
  /** RMS of the change of the marked weights in units of the Sinkhorn form: before rounding, which is the budget, and after. */
  readonly rms: { readonly planned: number; readonly predicted: number };
  /** By address, for `ViewEdit.spread`. */
  readonly edits: ReadonlyMap<string, SpreadEdit>;
}

/**
 * Amplitudes that bring every chip of a payload from what it says, x_i, to alpha b_i exactly, alpha as large as the budget
 * allows: the squares of all changes add up to `rho`^2 for every weight that can be moved. Moving a chip by d costs d^2 over the
 * fraction of its weights that can be moved, so sum (alpha b_i - x_i)^2 / f_i = N rho^2 is a quadratic equation in alpha.
 *
 * @param units read with `marking`
 * @param symbols +1 or -1 per chip
 * @param rho RMS of the change in units of the Sinkhorn form
 * @returns null when the model is too small: a chip is empty, or alpha would be below 1
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
  const { values, counts, fractions } = chips;
  const costs = fractions.map((fraction) => 1 / fraction);
  const energy = counts.reduce((sum, count, i) => sum + rho * rho * count * fractions[i]!, 0);
  const moves = chipMoves(values, symbols, costs, energy, payloadClass);
  if (moves === null) return null;
  const { alpha, targets } = moves;
  const amplitudes = amplitudesTo(targets, chips);
  const moved = counts.map((count, i) => count * fractions[i]!);
  const total = moved.reduce((a, b) => a + b, 0);
  const planned = Math.sqrt(amplitudes.reduce((sum, a, i) => sum + a * a * moved[i]!, 0) / total);
  const predicted = effectiveRms(amplitudes, moved, [...units.matrices.values()]);
  const edits = editsWith(units, amplitudes, key, 1);
  return { payloadClass, alpha, symbols, targets, rms: { planned, predicted }, edits };
}
