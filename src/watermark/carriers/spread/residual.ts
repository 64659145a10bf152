import type { SpreadEdit } from "../../host/tensor-edit.ts";
import type { ModelKey } from "../../key/model-key.ts";
import { amplitudesTo, editsWith } from "./amplitudes.ts";
import type { ChipSums } from "./chip-sums.ts";
import type { SpreadPlan } from "./plan.ts";
import type { SpreadUnits } from "./spread-units.ts";

/** A chip is at home within this distance of its target; chips of unmarked weights are spread by 1. */
export const TOLERANCE = 0.05;

/** What marking left to do. */
export interface SpreadResidual {
  /** What the chips say after marking. */
  readonly values: Float64Array;
  /** Largest distance of a chip from its target. */
  readonly worst: number;
  /** Edits for one more pass over the marked weights, which bring all chips home; null when they are. */
  readonly edits: ReadonlyMap<string, SpreadEdit> | null;
}

/**
 * Compares what marking achieved with the plan.
 *
 * @param units the ones of the plan
 * @param achieved what `applySpread` returned, over the whole model
 * @param pass how many passes have been made
 */
export function spreadResidual(
  units: SpreadUnits,
  plan: SpreadPlan,
  achieved: ChipSums,
  key: ModelKey,
  pass: number,
): SpreadResidual {
  const { sums, counts, movable } = achieved;
  const values = sums.map((sum, i) => (counts[i]! > 0 ? sum / Math.sqrt(counts[i]!) : 0));
  const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(plan.targets[i]! - value)), 0);
  if (worst <= TOLERANCE) return { values, worst, edits: null };
  const fractions = movable.map((count, i) => Math.max(count, 1) / Math.max(counts[i]!, 1));
  const amplitudes = amplitudesTo(plan.targets, { values, counts: counts.map((n) => Math.max(n, 1)), fractions });
  return { values, worst, edits: editsWith(units, amplitudes, key, pass + 1) };
}
