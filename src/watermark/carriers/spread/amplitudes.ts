import type { SpreadEdit } from "../../host/tensor-edit.ts";
import type { ModelKey } from "../../key/model-key.ts";
import type { PayloadClass } from "../../message/payload-class.ts";
import { ditherKey, spreadKeys } from "./spread-keys.ts";
import { type SpreadUnits, sumsOfClass } from "./spread-units.ts";

/** What is known of every chip before it moves. */
export interface Chips {
  /** What the chip says now. */
  readonly values: Float64Array;
  /** Weights of the chip, and the fraction of them that can be moved. */
  readonly counts: Float64Array;
  readonly fractions: Float64Array;
}

/** The chips of a model that was read for marking; null when one of them has nothing that can be moved. */
export function chipsOf(units: SpreadUnits, payloadClass: PayloadClass): Chips | null {
  const { sums, counts, movable } = sumsOfClass(units, payloadClass);
  if (movable.some((count) => count === 0)) return null;
  return {
    values: sums.map((sum, i) => sum / Math.sqrt(counts[i]!)),
    counts,
    fractions: movable.map((count, i) => count / counts[i]!),
  };
}

/** What every weight of a chip has to move by, in units of the Sinkhorn form, so that the chip comes to its target. */
export function amplitudesTo(targets: Float64Array, { values, counts, fractions }: Chips): Float64Array {
  return targets.map((target, i) => (target - values[i]!) / (Math.sqrt(counts[i]!) * fractions[i]!));
}

/** Edits of all matrices with the given amplitudes, for pass `pass` over the weights. */
export function editsWith(
  units: SpreadUnits,
  amplitudes: Float64Array,
  key: ModelKey,
  pass: number,
): Map<string, SpreadEdit> {
  const ofPass = ditherKey(key, pass);
  const edits = new Map<string, SpreadEdit>();
  for (const [address, { layer, scales }] of units.matrices) {
    const { coins, map } = spreadKeys(key, layer);
    const keys = { coinKey: coins, mapKey: map, ditherKey: ofPass };
    edits.set(address, { ...keys, chips: amplitudes.length, amplitudes, columnScales: scales });
  }
  return edits;
}
