import type { CarrierName } from "../message/carrier-reading.ts";
import { decodesTo, detectsTo, expectedStatistic, type Strength } from "./strength.ts";

/** RMS of the change over RMS of the weights where nobody says otherwise. */
export const DEFAULT_RHO = 0.002;

/** What one carrier of a model can hold, or why it holds nothing. */
export interface CarrierCapacity {
  readonly name: CarrierName;
  /** Bits of the payload class it carries; 0 for the zero-bit mark, null when even that does not fit. */
  readonly payloadBits: number | null;
  /** What it spreads over: neurons and pairs (orientation), weights (spread, difference), projections (embedding, head). */
  readonly units: number;
  /** Expected statistic of the untouched marked copy. */
  readonly statistic: number | null;
  /** Mark of one chip in units of its noise when the host is not cancelled. */
  readonly alpha: number | null;
  /** Smallest correlation r of marked and suspect weights at which the payload is decoded; null without one. */
  readonly decodesTo: number | null;
  /** Smallest r at which the mark is found at 2^-64. */
  readonly detectsTo: number | null;
  /** Why nothing fits, or what is lost; null when there is nothing to say. */
  readonly note: string | null;
}

/** A carrier's strength in words of reports. */
export function carrierCapacity(
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

/** What anyone who marks with these carriers, which hold something, must know. */
export function capacityCaveats(carriers: readonly { readonly name: CarrierName }[]): string[] {
  const holds = (name: CarrierName): boolean => carriers.some((one) => one.name === name);
  const caveats = [
    "r is the correlation of marked and suspect weights after alignment: about .99 after int4, .96 after 50 % pruning",
    "whoever has the unmarked original can remove the mark: never publish it",
  ];
  if (!holds("spread") && holds("orientation")) {
    caveats.unshift("orientation stands alone here, and whoever knows of it can turn the signs again for free");
  }
  return caveats;
}
