import type { PayloadClass } from "./payload-class.ts";

export type CarrierName = "orientation" | "spread" | "embedding" | "head" | "difference" | "subspace";

/**
 * What one carrier's detector found, per chip, for one payload class. Chip i is a sum of +-a_w over the weights (neurons,
 * projections) w of the chip, with the keyed coins as signs and every a_w a function of the weights alone. Under H0
 * (weights made without the key) `values[i]` is therefore a Rademacher sum whose coefficients have the sum of squares
 * `energies[i]`, for any weights whatever: all p-values rest on this and on nothing else.
 */
export interface CarrierReading {
  readonly carrier: CarrierName;
  readonly payloadClass: PayloadClass;
  /** One value per chip, pilots and coded mixed as the chip plan says; 0 where the suspect has nothing left. */
  readonly values: Float64Array;
  /** Sum of squared coefficients per chip. 1 when the chip is whole, 0 when nothing of it is left. */
  readonly energies: Float64Array;
}
