// Hamming distances of packed bits. The scalar 64-bit popcount is one instruction on every 64-bit x86, the byte-wise SIMD
// one is eight; one distance at a time, because the compiler loads everything first and more would be spilled.

/** Rows of 16 bytes, 128 signs: the first one's stay in registers, and nothing is left of a loop over a row. */
// @ts-ignore: decorator
@inline function hammingPairs(a: usize, rowsA: u32, b: usize, rowsB: u32, out: usize): void {
  for (let i: u32 = 0; i < rowsA; i++, a += 16) {
    const low = load<u64>(a), high = load<u64>(a, 8);
    let q = b;
    for (const end = out + (rowsB << 2); out < end; out += 4, q += 16) {
      store<u32>(out, <u32>(popcnt(low ^ load<u64>(q)) + popcnt(high ^ load<u64>(q, 8))));
    }
  }
}

/** The same of 32 bytes, 256 signs. */
// @ts-ignore: decorator
@inline function hammingQuads(a: usize, rowsA: u32, b: usize, rowsB: u32, out: usize): void {
  for (let i: u32 = 0; i < rowsA; i++, a += 32) {
    const a0 = load<u64>(a), a1 = load<u64>(a, 8), a2 = load<u64>(a, 16), a3 = load<u64>(a, 24);
    let q = b;
    for (const end = out + (rowsB << 2); out < end; out += 4, q += 32) {
      const low = popcnt(a0 ^ load<u64>(q)) + popcnt(a1 ^ load<u64>(q, 8));
      store<u32>(out, <u32>(low + popcnt(a2 ^ load<u64>(q, 16)) + popcnt(a3 ^ load<u64>(q, 24))));
    }
  }
}

/** Distances of every row at `a` to every row at `b`, rows of `bytes` (a multiple of 8) bytes: u32 [rowsA x rowsB]. */
export function hammingRows(a: usize, rowsA: u32, b: usize, rowsB: u32, bytes: u32, out: usize): void {
  if (bytes == 16) return hammingPairs(a, rowsA, b, rowsB, out);
  if (bytes == 32) return hammingQuads(a, rowsA, b, rowsB, out);
  const blocks = bytes & ~31;
  for (let i: u32 = 0; i < rowsA; i++, a += bytes) {
    let q = b;
    for (const endOut = out + (rowsB << 2); out < endOut; out += 4) {
      let p = a;
      let count: u64 = 0;
      for (const end = a + blocks; p < end; p += 32, q += 32) {
        count += popcnt(load<u64>(p) ^ load<u64>(q)) + popcnt(load<u64>(p, 8) ^ load<u64>(q, 8))
          + popcnt(load<u64>(p, 16) ^ load<u64>(q, 16)) + popcnt(load<u64>(p, 24) ^ load<u64>(q, 24));
      }
      for (const end = a + bytes; p < end; p += 8, q += 8) count += popcnt(load<u64>(p) ^ load<u64>(q));
      store<u32>(out, <u32>count);
    }
  }
}
