import { loadKernels } from "./load-kernels.ts";

/** Values packed at a time; a multiple of 32. */
const TILE = 1 << 16;

/**
 * Bit j of word j >> 5 is 1 where `row[j]` < 0; unused bits of the last word are 0. Zeros (and NaN) give 0.
 * `gainSigns`, packed the same way, flips the columns whose gain is negative: bit j becomes the sign of row[j] gain[j],
 * and zeros stay 0.
 */
export function packSigns(row: Float32Array, gainSigns: Uint32Array | null = null): Uint32Array {
  const signs = pack(row, "packNegative");
  if (gainSigns === null) return signs;
  const zeros = packZeros(row);
  const tail = row.length % 32 === 0 ? 0xffffffff : 2 ** (row.length % 32) - 1;
  for (let w = 0; w < signs.length; w++) {
    const used = w === signs.length - 1 ? tail : 0xffffffff;
    signs[w] = (signs[w]! ^ gainSigns[w]!) & ~zeros[w]! & used;
  }
  return signs;
}

/** Bit j of word j >> 5 is 1 where `row[j]` is zero, of either sign. */
export function packZeros(row: Float32Array): Uint32Array {
  return pack(row, "packZero");
}

function pack(row: Float32Array, kernel: "packNegative" | "packZero"): Uint32Array {
  const { arena, exports } = loadKernels();
  const packed = new Uint32Array(Math.ceil(row.length / 32));
  arena.scope(() => {
    const from = arena.alloc(TILE * 4);
    const to = arena.alloc(TILE / 8);
    for (let at = 0; at < row.length; at += TILE) {
      const part = row.subarray(at, at + TILE);
      const words = Math.ceil(part.length / 32);
      const values = arena.f32(from, words * 32);
      values.set(part);
      values.fill(1, part.length);
      exports[kernel](from, words, to);
      packed.set(arena.u32(to, words), at / 32);
    }
  });
  return packed;
}
