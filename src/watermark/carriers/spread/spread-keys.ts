import type { ModelKey } from "../../key/model-key.ts";

/** The subkeys that reading a layer needs: plain data for worker threads. Never logged. */
export interface SpreadKeys {
  /** Signs of the weights. */
  readonly coins: Uint8Array;
  /** Rows that column scales are taken from. */
  readonly rows: Uint8Array;
  /** Blocks to chips, and to the units of decoy keys. */
  readonly map: Uint8Array;
}

export function spreadKeys(key: ModelKey, layer: number): SpreadKeys {
  return {
    coins: key.layerSubkey("spread/coins", layer),
    rows: key.layerSubkey("spread/rows", layer),
    map: key.layerSubkey("spread/map", layer),
  };
}

/** Of the roundings in pass `pass` over the weights, from 1; a second pass must not repeat the draws of the first. */
export function ditherKey(key: ModelKey, pass: number): Uint8Array {
  return key.subkey(`spread/dither/${pass}`);
}
