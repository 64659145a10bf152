import { modelKey } from "../key/model-key.ts";
import type { Message } from "./message.ts";
import { payloadOf } from "./payload.ts";
import type { PayloadClass } from "./payload-class.ts";

/** What fits hardly depends on the key; any will do to try it. */
export const TRIAL_KEY = modelKey(new Uint8Array(32), "capacity");

/** A message of the class at strength rho, to find out whether it fits. */
export function trialMessage({ payloadBits }: PayloadClass, rho: number): Message {
  return { key: TRIAL_KEY, payload: payloadBits === 0 ? null : payloadOf(new Uint8Array(payloadBits / 8)), rho };
}
