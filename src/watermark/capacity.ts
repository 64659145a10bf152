import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { parameterCount } from "../checkpoint/parameter-count.ts";
import type { DirectDtype } from "../kernels/coins.ts";
import { signGenerators } from "./carriers/orientation/generators.ts";
import { effectiveRms } from "./carriers/spread/effective-rms.ts";
import { spreadMatrices } from "./carriers/spread/matrices.ts";
import { differenceCapacity } from "./difference-capacity.ts";
import { tokenStrength } from "./embed-plan.ts";
import { type CarrierCapacity, capacityCaveats, carrierCapacity, DEFAULT_RHO } from "./evidence/carrier-capacity.ts";
import {
  cancellingStrength,
  chooseClass,
  markEnergy,
  orientationStrength,
  type Strength,
} from "./evidence/strength.ts";
import { hostModel } from "./host/host-checkpoint.ts";
import { requireMarkable } from "./host/markable.ts";
import { mainModel, unmarkedCaveats } from "./host/rivals/settle.ts";
import type { CarrierName } from "./message/carrier-reading.ts";
import { chipCount, PAYLOAD_CLASSES, type PayloadClass } from "./message/payload-class.ts";
import { TRIAL_KEY, trialMessage } from "./message/trial-message.ts";
import { chosenTokens, storedTokens } from "./readings.ts";
import type { CapacityResult } from "./result.ts";

export interface CapacityOptions {
  /** RMS of the change over RMS of the weights, or of the difference to `base`. @default 0.002, or 0.02 */
  readonly rho?: number;
  /** The public base of a fine-tune that is marked in its difference. @default none */
  readonly base?: Checkpoint;
}

/**
 * What mark fits into a model: the largest payload class each carrier holds, and the loss of correlation that it outlives. Reads
 * headers and token matrices.
 *
 * @throws QUANTIZED_WEIGHTS, DTYPE_UNSUPPORTED; BASE_MISMATCH
 */
export async function watermarkCapacity(
  checkpoint: Checkpoint,
  options: CapacityOptions = {},
): Promise<CapacityResult> {
  requireMarkable(checkpoint);
  if (options.base !== undefined) return differenceCapacity(checkpoint, options.base, options.rho);
  const rho = options.rho ?? DEFAULT_RHO;
  const model = mainModel(checkpoint);
  const weights = spreadMatrices(model);
  const spreadWeights = weights.reduce((n, { rows, cols }) => n + rows * cols, 0);
  const carriers = [
    signCapacity(model),
    movingCapacity("spread", spreadWeights, markEnergy(spreadWeights, rho)),
    ...(await tokenCapacities(model, rho)),
  ];
  const dtypes = weights.map(({ tensor, rows, cols }) => ({
    weights: rows * cols,
    dtype: checkpoint.tensors.get(tensor)!.dtype as DirectDtype,
  }));
  const moved = carriers.some(({ name, payloadBits }) => name === "spread" && payloadBits !== null);
  const largest = carriers.map(({ payloadBits }) => payloadBits).filter((bits) => bits !== null);
  return {
    parameters: parameterCount(checkpoint),
    rho,
    mode: "release",
    payloadBits: largest.length === 0 ? null : Math.max(...largest),
    carriers,
    predictedRms: moved ? effectiveRms(Float64Array.of(rho), Float64Array.of(spreadWeights), dtypes) : 0,
    caveats: [...capacityCaveats(carriers), ...unmarkedCaveats(checkpoint)],
  };
}

function signCapacity(checkpoint: Checkpoint): CarrierCapacity {
  const host = hostModel(checkpoint);
  const { doubt } = host.symmetries;
  const signs = signGenerators(host).reduce((n, { count }) => n + count, 0);
  const strength = doubt === null ? largestClass((payloadClass) => orientationStrength(signs, payloadClass)) : null;
  return carrierCapacity("orientation", signs, strength, doubt ?? tooSmall(strength));
}

function movingCapacity(name: CarrierName, units: number, energy: number): CarrierCapacity {
  const strength = largestClass((payloadClass) => movingStrength(energy, payloadClass));
  return carrierCapacity(name, units, strength, tooSmall(strength));
}

/** A mark without payload cancels nothing: all of its energy goes into the sum. */
function movingStrength(energy: number, payloadClass: PayloadClass): Strength | null {
  if (payloadClass.payloadBits !== 0) return cancellingStrength(energy, payloadClass);
  return { payloadClass, alpha: Math.sqrt(energy / chipCount(payloadClass)), cancelled: 0 };
}

/** What a mark in an embedding costs depends on its values, so it is planned. */
async function tokenCapacities(checkpoint: Checkpoint, rho: number): Promise<CarrierCapacity[]> {
  const findings = await storedTokens(checkpoint, TRIAL_KEY);
  return chosenTokens(findings).map((finding) => {
    const strength = largestClass(
      (payloadClass) => tokenStrength(finding, trialMessage(payloadClass, rho), payloadClass)?.strength ?? null,
    );
    return carrierCapacity(finding.units.carrier, finding.units.values.length, strength, tooSmall(strength));
  });
}

function tooSmall(strength: Strength | null): string | null {
  return strength === null ? "too small for this mark" : null;
}

/** The largest class that fits. */
function largestClass(strengthOf: (payloadClass: PayloadClass) => Strength | null): Strength | null {
  for (const { payloadBits } of [...PAYLOAD_CLASSES].reverse()) {
    const strength = chooseClass(payloadBits, strengthOf);
    if (strength?.payloadClass.payloadBits === payloadBits) return strength;
  }
  return null;
}
