import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import { readDifference } from "./difference/read-difference.ts";
import { carrierOf, DEFAULT_DIFFERENCE_RHO, DIFFERENCE_CAVEATS, fittingPlan } from "./embed-difference.ts";
import { modelKey } from "./model-key.ts";
import { payloadOf } from "./payload.ts";
import { PAYLOAD_CLASSES } from "./payload-class.ts";
import type { CapacityResult } from "./result.ts";

/** What fits hardly depends on the key; any will do to try it. */
const TRIAL_KEY = new Uint8Array(32);

/**
 * What mark fits into the difference to a public base. Reads both models: no header tells how large the difference is.
 *
 * @throws BASE_MISMATCH
 */
export async function differenceCapacity(
  checkpoint: Checkpoint,
  base: Checkpoint,
  rho: number = DEFAULT_DIFFERENCE_RHO,
): Promise<CapacityResult> {
  const key = modelKey(TRIAL_KEY, "capacity");
  const sums = await readDifference(checkpoint, base, key, { forMarking: true });
  const about = {
    parameters: [...checkpoint.tensors.values()].reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0),
    rho,
    mode: "derivative" as const,
    predictedRms: rho,
    caveats: DIFFERENCE_CAVEATS,
  };
  for (const { payloadBits } of [...PAYLOAD_CLASSES].reverse()) {
    const payload = payloadBits === 0 ? null : payloadOf(new Uint8Array(payloadBits / 8));
    const found = await fittingPlan(sums, { key, payload, rho }, checkpoint).catch((error) => {
      if (error instanceof WeightmarkError) return null;
      throw error;
    });
    if (found === null) continue;
    const { plan, full, subspace } = found;
    const carriers = [carrierOf(sums.full, full, plan, sums), carrierOf(sums.subspace, subspace, plan, sums)];
    return { ...about, payloadBits, carriers: carriers.map(({ achieved: _, rms: __, ...carrier }) => carrier) };
  }
  return { ...about, predictedRms: 0, payloadBits: null, carriers: [] };
}
