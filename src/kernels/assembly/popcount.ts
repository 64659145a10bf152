// Hamming distances of packed bits. The scalar 64-bit popcount is one instruction on every 64-bit x86 and keeps four
// distances in registers; the byte-wise SIMD one costs eight.

/**
 * Distances of every row at `a` to every row at `b`, rows of `bytes` (a multiple of 8) bytes; `rowsB` is a multiple of four.
 * Writes u32 [rowsA x rowsB].
 */
export function hammingRows(a: usize, rowsA: u32, b: usize, rowsB: u32, bytes: u32, out: usize): void {
  for (let i: u32 = 0; i < rowsA; i++, a += bytes) {
    let b0 = b;
    const end = a + bytes;
    for (let j: u32 = 0; j < rowsB; j += 4, out += 16) {
      let b1 = b0 + bytes, b2 = b1 + bytes, b3 = b2 + bytes;
      let c0: u64 = 0, c1: u64 = 0, c2: u64 = 0, c3: u64 = 0;
      let p = a;
      for (; p + 32 <= end; p += 32, b0 += 32, b1 += 32, b2 += 32, b3 += 32) {
        const v0 = load<u64>(p), v1 = load<u64>(p, 8), v2 = load<u64>(p, 16), v3 = load<u64>(p, 24);
        c0 += popcnt(v0 ^ load<u64>(b0)) + popcnt(v1 ^ load<u64>(b0, 8)) + popcnt(v2 ^ load<u64>(b0, 16)) + popcnt(v3 ^ load<u64>(b0, 24));
        c1 += popcnt(v0 ^ load<u64>(b1)) + popcnt(v1 ^ load<u64>(b1, 8)) + popcnt(v2 ^ load<u64>(b1, 16)) + popcnt(v3 ^ load<u64>(b1, 24));
        c2 += popcnt(v0 ^ load<u64>(b2)) + popcnt(v1 ^ load<u64>(b2, 8)) + popcnt(v2 ^ load<u64>(b2, 16)) + popcnt(v3 ^ load<u64>(b2, 24));
        c3 += popcnt(v0 ^ load<u64>(b3)) + popcnt(v1 ^ load<u64>(b3, 8)) + popcnt(v2 ^ load<u64>(b3, 16)) + popcnt(v3 ^ load<u64>(b3, 24));
      }
      for (; p < end; p += 8, b0 += 8, b1 += 8, b2 += 8, b3 += 8) {
        const v = load<u64>(p);
        c0 += popcnt(v ^ load<u64>(b0));
        c1 += popcnt(v ^ load<u64>(b1));
        c2 += popcnt(v ^ load<u64>(b2));
        c3 += popcnt(v ^ load<u64>(b3));
      }
      store<u32>(out, <u32>c0, 0);
      store<u32>(out, <u32>c1, 4);
      store<u32>(out, <u32>c2, 8);
      store<u32>(out, <u32>c3, 12);
      b0 = b3;
    }
  }
}
