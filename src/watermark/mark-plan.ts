import type { Carrier, CarrierPlan, MarkableCarrier } from "./carriers/carrier.ts";
import type { CopyOptions, MarkedCopy } from "./copy/marked-copy.ts";
import type { Strength } from "./evidence/strength.ts";
import type { TensorEdit } from "./host/tensor-edit.ts";
import type { CarrierName } from "./message/carrier-reading.ts";
import type { Message } from "./message/message.ts";
import type { Sketch } from "./resync/sketch.ts";

/** One way of marking: into a model's own weights, or into its difference to a public base. */
export interface MarkingMode {
  readonly name: "release" | "derivative";
  /** RMS of the change over RMS of what is marked, where nobody says otherwise. */
  readonly defaultRho: number;
  /** Reads the model as it is before the mark, with the key of the message. */
  read(message: Message): Promise<HostReading>;
}

/** A model that is to be marked, as the key found it. */
export interface HostReading {
  readonly carriers: readonly Carrier[];
  /** @throws MODEL_TOO_SMALL, PAYLOAD_TOO_LONG */
  plan(): MarkPlan;
}

/** What marking does. */
export interface MarkPlan {
  readonly carriers: readonly PlannedCarrier[];
  /** By name of the stored tensor. */
  readonly edits: ReadonlyMap<string, TensorEdit>;
  /** Edits for another pass over the copy. */
  readonly refine?: NonNullable<CopyOptions["refine"]>;
  /** What is written beside the copy for re-synchronisation; null where the base serves for that. */
  readonly sketch: (() => Promise<Sketch>) | null;
  /** What the carriers say in the copy, in their order. */
  achieved(copy: MarkedCopy): Promise<Achieved>;
  readonly caveats: readonly string[];
}

export interface Achieved {
  readonly statistics: readonly number[];
  readonly caveats: readonly string[];
}

/** A carrier of the copy; what holds nothing has no strength, and a note that says why. */
export interface PlannedCarrier {
  readonly name: CarrierName;
  readonly units: number;
  readonly strength: Strength | null;
  readonly statistic: number;
  readonly rms: number | null;
  readonly note: string | null;
}

export function plannedCarrier(
  { name, units, doubt }: MarkableCarrier<unknown>,
  plan: CarrierPlan<unknown> | null,
): PlannedCarrier {
  return {
    name,
    units,
    strength: plan?.strength ?? null,
    statistic: plan?.statistic ?? 0,
    rms: plan?.rms ?? null,
    note: doubt ?? (plan === null ? "too small" : null),
  };
}
