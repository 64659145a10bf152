import type { ModelKey } from "../model-key.ts";
import { PAYLOAD_CLASSES, type PayloadClass } from "../payload-class.ts";

/** The subkeys that reading needs: plain data for worker threads. Never logged. */
export interface SpreadKeys {
  /** Signs of the weights. */
  readonly coins: Uint8Array;
  /** Rows that column scales are taken from. */
  readonly rows: Uint8Array;
  /** Blocks to chips, one for every payload class in the order of PAYLOAD_CLASSES. */
  readonly maps: readonly Uint8Array[];
  /** Blocks to the units of decoy keys. */
  readonly units: Uint8Array;
}

export function spreadKeys(key: ModelKey): SpreadKeys {
  return {
    coins: key.subkey("spread/coins"),
    rows: key.subkey("spread/rows"),
    maps: PAYLOAD_CLASSES.map((payloadClass) => mapKey(key, payloadClass)),
    units: key.subkey("spread/units"),
  };
}

export function mapKey(key: ModelKey, { payloadBits }: PayloadClass): Uint8Array {
  return key.subkey(`spread/map/${payloadBits}`);
}

/** Of the roundings in pass `pass` over the weights, from 1; a second pass must not repeat the draws of the first. */
export function ditherKey(key: ModelKey, pass: number): Uint8Array {
  return key.subkey(`spread/dither/${pass}`);
}
