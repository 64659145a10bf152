/**
 * Decodes whole blocks, one after the other, to the bit as ggml does: `stored` and `out` are as long as their number says. NaN
 * stays NaN. Nothing is allocated for a block.
 */
export type BlockDecoder = (stored: Uint8Array, out: Float32Array) => void;

let halves: Float32Array | null = null;

/** The value of every f16 by its bits: a quarter of a megabyte that stays in the caches of a core. */
export function halfTable(): Float32Array {
  if (halves !== null) return halves;
  halves = new Float32Array(1 << 16);
  for (let bits = 0; bits < 1 << 15; bits++) {
    const exponent = bits >> 10;
    const mantissa = bits & 1023;
    const value =
      exponent === 0
        ? mantissa * 2 ** -24
        : exponent < 31
          ? (1024 + mantissa) * 2 ** (exponent - 25)
          : mantissa === 0
            ? Number.POSITIVE_INFINITY
            : Number.NaN;
    halves[bits] = value;
    halves[bits | (1 << 15)] = -value;
  }
  return halves;
}

export function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
