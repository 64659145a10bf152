import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { parameterCount } from "../checkpoint/parameter-count.ts";
import {
  carrierOf,
  DEFAULT_DIFFERENCE_RHO,
  DIFFERENCE_CAVEATS,
  fittingPlan,
} from "./carriers/difference/fitting-plan.ts";
import { readDifference } from "./carriers/difference/read-difference.ts";
import { PAYLOAD_CLASSES } from "./message/payload-class.ts";
import { TRIAL_KEY, trialMessage } from "./message/trial-message.ts";
import type { CapacityResult } from "./result.ts";

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
  const sums = await readDifference(checkpoint, base, TRIAL_KEY, { forMarking: true });
  const about = {
    parameters: parameterCount(checkpoint),
    rho,
    mode: "derivative" as const,
    predictedRms: rho,
    caveats: DIFFERENCE_CAVEATS,
  };
  for (const payloadClass of [...PAYLOAD_CLASSES].reverse()) {
    const found = await fittingPlan(sums, trialMessage(payloadClass, rho));
    if (found === null) continue;
    const { plan, full, subspace } = found;
    const carriers = [carrierOf(sums.full, full, plan, sums), carrierOf(sums.subspace, subspace, plan, sums)];
    return { ...about, payloadBits: payloadClass.payloadBits, carriers };
  }
  return { ...about, predictedRms: 0, payloadBits: null, carriers: [] };
}
