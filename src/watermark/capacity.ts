import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { parameterCount } from "../checkpoint/parameter-count.ts";
import type { DirectDtype } from "../kernels/coins.ts";
import {
  cancellingStrength,
  chooseClass,
  decodesTo,
  detectsTo,
  expectedStatistic,
  markEnergy,
  orientationStrength,
  type Strength,
} from "./capacity-math.ts";
import type { CarrierName } from "./carrier-reading.ts";
import { differenceCapacity } from "./difference-capacity.ts";
import { tokenStrength } from "./embed-plan.ts";
import { hostModel } from "./host-checkpoint.ts";
import { requireMarkable } from "./markable.ts";
import { signGenerators } from "./orientation/generators.ts";
import { chipCount, PAYLOAD_CLASSES, type PayloadClass } from "./payload-class.ts";
import { chosenTokens, storedTokens } from "./readings.ts";
import type { CapacityResult, CarrierCapacity } from "./result.ts";
import { mainModel, unmarkedCaveats } from "./rivals/settle.ts";
import { effectiveRms } from "./spread/effective-rms.ts";
import { spreadMatrices } from "./spread/matrices.ts";
import { TRIAL_KEY, trialMessage } from "./trial-message.ts";

export const DEFAULT_RHO = 0.002;

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
  return described("orientation", signs, strength, doubt ?? tooSmall(strength));
}

function movingCapacity(name: CarrierName, units: number, energy: number): CarrierCapacity {
  const strength = largestClass((payloadClass) => movingStrength(energy, payloadClass));
  return described(name, units, strength, tooSmall(strength));
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
    return described(finding.units.carrier, finding.units.values.length, strength, tooSmall(strength));
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

/** A carrier's strength in words of reports. */
export function described(
  name: CarrierName,
  units: number,
  strength: Strength | null,
  note: string | null,
): CarrierCapacity {
  if (strength === null) {
    return { name, payloadBits: null, units, statistic: null, alpha: null, decodesTo: null, detectsTo: null, note };
  }
  return {
    name,
    payloadBits: strength.payloadClass.payloadBits,
    units,
    statistic: expectedStatistic(strength),
    alpha: strength.alpha,
    decodesTo: decodesTo(strength),
    detectsTo: detectsTo(strength, "strong"),
    note,
  };
}

/** What whoever marks with these carriers must know. */
export function capacityCaveats(carriers: readonly CarrierCapacity[]): string[] {
  const holds = (name: CarrierName): boolean => carriers.some((one) => one.name === name && one.payloadBits !== null);
  const caveats = [
    "r is the correlation of marked and suspect weights after alignment: about .99 after int4, .96 after 50 % pruning",
    "whoever has the unmarked original can remove the mark: never publish it",
  ];
  if (!holds("spread") && holds("orientation")) {
    caveats.unshift("orientation stands alone here, and whoever knows of it can turn the signs again for free");
  }
  return caveats;
}
