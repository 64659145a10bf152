import { keystream } from "../key/keystream.ts";
import type { ModelKey } from "../key/model-key.ts";
import type { CarrierName } from "./carrier-reading.ts";
import { encodePayload } from "./ecc/payload-code.ts";
import type { Payload } from "./payload.ts";
import { chipCount, type PayloadClass } from "./payload-class.ts";

/** Which chip of a carrier says what. */
export interface ChipPlan {
  readonly payloadClass: PayloadClass;
  /** Per chip: the place in the code word, 0 .. coded - 1, or -1 for a pilot. */
  readonly places: Int16Array;
}

const DRAWS_AT_ONCE = 1024;

/**
 * Pilots and bits of the code word in a secret order: a Fisher-Yates shuffle whose draws come from the keystream of the
 * carrier and the class, so that two carriers of a model never share an order.
 */
export function chipPlan(payloadClass: PayloadClass, key: ModelKey, carrier: CarrierName): ChipPlan {
  const chips = chipCount(payloadClass);
  const places = Int16Array.from({ length: chips }, (_, i) => (i < payloadClass.coded ? i : -1));
  const below = uniform(key.sharedSubkey("chip-plan"), `${carrier}/${payloadClass.payloadBits}`);
  for (let last = chips - 1; last > 0; last--) {
    const other = below(last + 1);
    const kept = places[last]!;
    places[last] = places[other]!;
    places[other] = kept;
  }
  return { payloadClass, places };
}

/** The sign of every chip: +1 for pilots; +1 for a 0 and -1 for a 1 of the code word; 0 where the payload is not known. */
export function symbols(plan: ChipPlan, payload: Payload | null): Int8Array {
  const word = payload === null || plan.payloadClass.coded === 0 ? null : encodePayload(payload);
  return Int8Array.from(plan.places, (place) => {
    if (place < 0) return 1;
    return word === null ? 0 : 1 - 2 * word[place]!;
  });
}

/** Uniform integers below n <= 2^16 from 32-bit words of the keystream; the incomplete last block of n is drawn again. */
function uniform(key: Uint8Array, address: string): (n: number) => number {
  const stream = keystream(key, address);
  const bytes = new Uint8Array(4 * DRAWS_AT_ONCE);
  const words = new DataView(bytes.buffer);
  let drawn = 0;
  return (n) => {
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      if (drawn % DRAWS_AT_ONCE === 0) stream.fill(bytes, 4 * drawn);
      const word = words.getUint32(4 * (drawn++ % DRAWS_AT_ONCE), true);
      if (word < limit) return word % n;
    }
  };
}
