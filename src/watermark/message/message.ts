import type { ModelKey } from "../key/model-key.ts";
import type { CarrierName } from "./carrier-reading.ts";
import { chipPlan, symbols } from "./chip-plan.ts";
import type { Payload } from "./payload.ts";
import type { PayloadClass } from "./payload-class.ts";

/** What every carrier is to say under one key. */
export interface Message {
  readonly key: ModelKey;
  readonly payload: Payload | null;
  /** RMS of the change over RMS of the weights. */
  readonly rho: number;
}

/** The chips' symbols of a carrier; in the zero-bit class all are pilots. */
export function messageSymbols({ key, payload }: Message, payloadClass: PayloadClass, carrier: CarrierName): Int8Array {
  return symbols(chipPlan(payloadClass, key, carrier), payloadClass.payloadBits === 0 ? null : payload);
}
