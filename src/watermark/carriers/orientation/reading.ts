import type { DecoySource } from "../../evidence/decoys.ts";
import type { ModelKey } from "../../key/model-key.ts";
import type { CarrierReading } from "../../message/carrier-reading.ts";
import { chipCount, type PayloadClass } from "../../message/payload-class.ts";
import { chipsOfBlock } from "./chips.ts";
import type { OrientationUnits } from "./projections.ts";

/**
 * Chip i of the sign carrier: sum of s_g y_g over its n_i generators, over sqrt(n_i). The coins s_g come from key material
 * of their own, so that y_g is a constant under H0 and the value a Rademacher sum with the energy given. A model whose
 * signs were set has every s_g y_g c_i >= 0: c_i times the value is about sqrt(2 n_i / pi).
 */
export function orientationReading(units: OrientationUnits, payloadClass: PayloadClass, key: ModelKey): CarrierReading {
  const total = chipCount(payloadClass);
  const values = new Float64Array(total);
  const energies = new Float64Array(total);
  const counts = new Float64Array(total);
  for (const block of units.blocks) {
    const { chips, coins } = chipsOfBlock(block, payloadClass, key);
    block.projections.forEach((y, g) => {
      if (y === 0) return;
      const chip = chips[g]!;
      values[chip]! += coins[g]! * y;
      energies[chip]! += y * y;
      counts[chip]!++;
    });
  }
  for (let i = 0; i < total; i++) {
    if (counts[i] === 0) continue;
    values[i]! /= Math.sqrt(counts[i]!);
    energies[i]! /= counts[i]!;
  }
  return { carrier: "orientation", payloadClass, values, energies };
}

/**
 * The projections y_g, without the coins: a decoy draws coins of its own. Under H0 their signs are fair, and on a marked
 * model they are too for anyone who does not know the coins, so that decoys stay standard normal there.
 */
export function orientationDecoys({ blocks, present }: OrientationUnits): DecoySource {
  const unitValues = new Float32Array(present);
  let at = 0;
  for (const { projections } of blocks) for (const y of projections) if (y !== 0) unitValues[at++] = y;
  return { carrier: "orientation", unitValues, unitEnergies: unitValues.map((y) => y * y) };
}
