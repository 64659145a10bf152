import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { parameterCount } from "../checkpoint/parameter-count.ts";
import type { DirectDtype } from "../kernels/coins.ts";
import type { CarrierSize } from "./carriers/carrier.ts";
import { largestClass, sizeByTrial } from "./carriers/choose-plan.ts";
import { DEFAULT_DIFFERENCE_RHO, DIFFERENCE_CAVEATS, fittingPlan } from "./carriers/difference/fitting-plan.ts";
import { halfCarriers } from "./carriers/difference/half-carriers.ts";
import { readDifference } from "./carriers/difference/read-difference.ts";
import { signSize } from "./carriers/orientation/sign-carrier.ts";
import { effectiveRms } from "./carriers/spread/effective-rms.ts";
import { spreadMatrices } from "./carriers/spread/matrices.ts";
import { spreadSize } from "./carriers/spread/spread-carrier.ts";
import { chosenTokens, storedTokens } from "./carriers/tokens/read-tokens.ts";
import { storedTokenCarrier } from "./carriers/tokens/token-carrier.ts";
import { type CarrierCapacity, capacityCaveats, carrierCapacity, DEFAULT_RHO } from "./evidence/carrier-capacity.ts";
import { hostModel } from "./host/host-checkpoint.ts";
import { requireMarkable } from "./host/markable.ts";
import { mainModel, unmarkedCaveats } from "./host/rivals/settle.ts";
import { PAYLOAD_CLASSES } from "./message/payload-class.ts";
import { TRIAL_KEY, trialMessage } from "./message/trial-message.ts";
import type { CapacityResult } from "./result.ts";

export interface CapacityOptions {
  /** RMS of the change over RMS of the weights, or of the difference to `base`. @default 0.002, or 0.02 */
  readonly rho?: number;
  /** The public base of a fine-tune that is marked in its difference. @default none */
  readonly base?: Checkpoint;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What mark fits into a model: the largest payload class each carrier holds, and the loss of correlation that it outlives. Reads
 * headers and token matrices; with a base both models, for no header tells how large the difference is.
 *
 * @throws QUANTIZED_WEIGHTS, DTYPE_UNSUPPORTED; BASE_MISMATCH; the signal's reason
 */
export async function watermarkCapacity(
  checkpoint: Checkpoint,
  { base, rho, signal }: CapacityOptions = {},
): Promise<CapacityResult> {
  requireMarkable(checkpoint);
  const found =
    base === undefined
      ? await releaseCapacity(checkpoint, rho ?? DEFAULT_RHO, signal)
      : await derivativeCapacity(checkpoint, base, { rho: rho ?? DEFAULT_DIFFERENCE_RHO, signal });
  const bits = found.carriers.flatMap(({ payloadBits }) => (payloadBits === null ? [] : [payloadBits]));
  return {
    parameters: parameterCount(checkpoint),
    rho: found.rho,
    mode: found.mode,
    payloadBits: bits.length === 0 ? null : Math.max(...bits),
    carriers: found.carriers,
    predictedRms: found.predictedRms,
    caveats: found.caveats,
  };
}

type Capacity = Omit<CapacityResult, "parameters" | "payloadBits">;

async function releaseCapacity(
  checkpoint: Checkpoint,
  rho: number,
  signal: AbortSignal | undefined,
): Promise<Capacity> {
  const model = mainModel(checkpoint);
  const weights = spreadMatrices(model);
  const spreadWeights = weights.reduce((n, { rows, cols }) => n + rows * cols, 0);
  signal?.throwIfAborted();
  // What a mark in an embedding costs depends on its values.
  const tokens = chosenTokens(await storedTokens(model, TRIAL_KEY)).map(storedTokenCarrier);
  const sizes = [signSize(hostModel(model)), spreadSize(spreadWeights), ...tokens.map(sizeByTrial)];
  signal?.throwIfAborted();
  const carriers = sizes.map((size) => capacityOf(size, rho));
  const dtypes = weights.map(({ tensor, rows, cols }) => ({
    weights: rows * cols,
    dtype: checkpoint.tensors.get(tensor)!.dtype as DirectDtype,
  }));
  const isMoved = carriers.some(({ name, payloadBits }) => name === "spread" && payloadBits !== null);
  return {
    rho,
    mode: "release",
    carriers,
    predictedRms: isMoved ? effectiveRms(Float64Array.of(rho), Float64Array.of(spreadWeights), dtypes) : 0,
    caveats: [
      ...capacityCaveats(carriers.filter(({ payloadBits }) => payloadBits !== null)),
      ...unmarkedCaveats(checkpoint),
    ],
  };
}

function capacityOf(size: CarrierSize, rho: number): CarrierCapacity {
  const strength = largestClass(size, rho);
  const note = size.doubt ?? (strength === null ? "too small for this mark" : null);
  return carrierCapacity(size.name, size.units, strength, note);
}

/** The largest payload that the halves hold together. */
async function derivativeCapacity(
  checkpoint: Checkpoint,
  base: Checkpoint,
  { rho, signal }: { readonly rho: number; readonly signal: AbortSignal | undefined },
): Promise<Capacity> {
  const sums = await readDifference(checkpoint, base, TRIAL_KEY, { forMarking: true, signal });
  const about = { rho, mode: "derivative" as const, caveats: DIFFERENCE_CAVEATS };
  for (const payloadClass of [...PAYLOAD_CLASSES].reverse()) {
    const plan = fittingPlan(sums, trialMessage(payloadClass, rho));
    if (plan === null) continue;
    const strengths = [plan.full.strength, plan.subspace.strength];
    const carriers = halfCarriers(sums).map(({ name, units }, i) => carrierCapacity(name, units, strengths[i]!, null));
    return { ...about, predictedRms: rho, carriers };
  }
  return { ...about, predictedRms: 0, carriers: [] };
}
