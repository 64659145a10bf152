import { keystream } from "./keystream.ts";

const WORDS = 4;

/** Four words that the roundings of a matrix follow from, little-endian, the first of its keystream. */
export function ditherSeed(ditherKey: Uint8Array, address: string): Uint32Array {
  const bytes = new Uint8Array(4 * WORDS);
  keystream(ditherKey, address).fill(bytes, 0);
  const view = new DataView(bytes.buffer);
  return Uint32Array.from({ length: WORDS }, (_, i) => view.getUint32(4 * i, true));
}
