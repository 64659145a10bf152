import { median, type SliceRetention } from "./retention.ts";
import type { Departure } from "./slice-spectrum.ts";

/**
 * Medians over slices of the distance between the body of a spectrum and that of noise, from which a start cannot be told
 * from what was fitted on top of it. Networks had .48 at most, trained for 1.3 million steps and more among them; linear maps
 * that were fitted from one model's stream to another's had .6 and more. A spectrum that is flatter than noise is an
 * orthogonal matrix's, or a map's between streams that are nearly the same.
 */
const MOST_DEPARTURE = 0.56;
const MOST_FLAT = 1.1;

/** Whether most slices look like weights (true), most like a constant of mathematics (false), or none can be judged. */
export function lookLikeWeights(slices: readonly SliceRetention[]): boolean | null {
  const judged = slices.flatMap(({ random }) => random ?? []);
  return judged.length === 0 ? null : 2 * judged.filter(Boolean).length > judged.length;
}

/**
 * Whether either model has the body of a spectrum that a random start leaves; null where slices do not tell. What learned
 * retention says presumes it.
 */
export function showsRandomStart(slices: readonly SliceRetention[]): boolean | null {
  const sides = (["suspect", "base"] as const).map((side) => startsAtRandom(slices.map((s) => s.departure[side])));
  if (sides.includes(true)) return true;
  return sides.includes(false) ? false : null;
}

function startsAtRandom(departures: readonly (Departure | null)[]): boolean | null {
  const known = departures.filter((departure) => departure !== null);
  const size = median(known.map((departure) => departure.size));
  const low = median(known.map((departure) => departure.low));
  // Written so that a NaN is no start.
  return size === null || low === null ? null : size <= MOST_DEPARTURE && low <= MOST_FLAT;
}
