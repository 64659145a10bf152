import type { DecoySource } from "../evidence/decoys.ts";
import type { Strength } from "../evidence/strength.ts";
import type { CarrierName, CarrierReading } from "../message/carrier-reading.ts";
import type { Message } from "../message/message.ts";
import type { PayloadClass } from "../message/payload-class.ts";

/** One of the ways in which a model carries a mark, as the key found it in a model: all that a decision is made of. */
export interface Carrier {
  readonly name: CarrierName;
  /** What it spreads over, see `CarrierCapacity.units`. */
  readonly units: number;
  /** What the chips of a class say. Under H0 they are Rademacher sums, see `CarrierReading`. */
  reading(payloadClass: PayloadClass): CarrierReading;
  /** What decoy keys are tried on; no units where there is nothing. */
  decoys(): DecoySource;
}

/** What it holds, as far as that can be told. */
export interface CarrierSize extends Pick<Carrier, "name" | "units"> {
  /** Why the model cannot take this mark whatever its size; null where it can. */
  readonly doubt: string | null;
  /** How strongly it would say a message of the class, of relative strength `rho`; null where that does not fit. */
  strength(payloadClass: PayloadClass, rho: number): Strength | null;
}

/**
 * A carrier of a model that was read in order to be marked.
 *
 * @typeParam Change what is done to the model so that it says the message, in the carrier's own terms
 */
export interface MarkableCarrier<Change> extends Carrier {
  readonly doubt: string | null;
  /**
   * How it is made to say the message; null where that does not fit. The key of the message is the one that the model was read
   * with.
   */
  plan(message: Message, payloadClass: PayloadClass): CarrierPlan<Change> | null;
}

export interface CarrierPlan<Change> {
  readonly strength: Strength;
  /** Statistic of the marked model, rounding apart: near the mean that `strength` expects. */
  readonly statistic: number;
  /** RMS of the change over RMS of what is marked, as reports give it; 0 where no size changes. */
  readonly rms: number;
  readonly change: Change;
}
