import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import type { Retention } from "./learned-retention.ts";
import { areKernels, isNetwork } from "./network.ts";
import type { Pairing } from "./pairing.ts";
import { FITTED, GIVEN } from "./reason.ts";
import type { SliceRetention } from "./retention.ts";
import { keepsTraining, lacksStart } from "./shares-training.ts";
import type { Departure } from "./slice-spectrum.ts";

/**
 * Distances between the body of a spectrum and that of noise from which a start cannot be told from what was fitted on top of
 * it. Half of the slices of convolutional, recurrent and feed-forward nets lie within .41, and within .32 of public models
 * that trained for up to 1.3 million steps; half of those of linear maps between two models' streams lie beyond .6. Under
 * weight decay language models lose the start as well, up to 1.2. A spectrum that is flatter than noise is an orthogonal
 * matrix's, or a map's between streams that are nearly the same.
 */
const MOST_DEPARTURE = 0.56;
const MOST_FLAT = 1.1;
/**
 * L / b both ways round. Strangers who fit one map to few samples had 5 and more, 1.6 where they began at random and stopped
 * early, and 1.24 where they fitted a chain of maps to halves of one set of samples; what was trained from one start had 1.1 at
 * most, but for networks of which matrices began at zero.
 */
const MOST_OF_MAPS = 1.2;

/** Whether most slices look like weights (true), most like a constant of mathematics (false), or none can be judged. */
export function lookLikeWeights(pairing: Pairing, slices: readonly SliceRetention[]): boolean | null {
  if (isNetwork(pairing)) return true;
  const judged = slices.flatMap(({ random }) => random ?? []);
  return judged.length === 0 ? null : 2 * judged.filter(Boolean).length > judged.length;
}

/**
 * Whether each model has the body of a spectrum that a random start leaves; null where slices do not tell. What learned
 * retention says presumes it.
 */
export function showsRandomStart(
  slices: readonly SliceRetention[],
): Readonly<Record<"suspect" | "base", boolean | null>> {
  const of = (side: "suspect" | "base") => startsAtRandom(slices.map((slice) => slice.departure[side]));
  return { suspect: of("suspect"), base: of("base") };
}

/** Whether more than half of the slices that tell have a body like noise's. */
function startsAtRandom(departures: readonly (Departure | null)[]): boolean | null {
  const known = departures.filter((departure) => departure !== null);
  // Written so that a NaN is no start.
  const near = known.filter(({ size, low }) => size <= MOST_DEPARTURE && low <= MOST_FLAT);
  return known.length === 0 ? null : 2 * near.length > known.length;
}

/**
 * Whether what is left of a start need not be asked for: of networks, one of which keeps a lower rank of the other, nearly all
 * of their training is shared. Linear maps of strangers have as much of each other.
 */
export function isCutOff(pairing: Pairing, retention: Retention | null): boolean {
  return retention !== null && isNetwork(pairing) && keepsTraining(retention);
}

/** Why what agrees is no start that both had; null where nothing speaks against one. */
export function doubtOfStart(
  base: Fingerprint,
  pairing: Pairing,
  agreeing: Pairing["pairs"],
  slices: readonly SliceRetention[],
  retention: Retention | null,
): string | null {
  // What names call a whole network is no linear map, nor are kernels that look around; and their start may have decayed.
  if (isNetwork(pairing) || areKernels(base, agreeing)) return null;
  if (Object.values(showsRandomStart(slices)).includes(false)) return FITTED;
  return retention !== null && lacksStart(retention, MOST_OF_MAPS) ? GIVEN : null;
}
