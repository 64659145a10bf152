/** Digits of a key: three of eleven bits. */
const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

/** Values up to this many are sorted in memory that is used again. */
const KEPT = 1 << 13;
const kept = { counts: new Uint32Array(3 * DIGITS), from: new Uint32Array(KEPT), to: new Uint32Array(KEPT) };

/**
 * Sorts f32 values without NaN in place, ascending, -0 before +0: the order of `Float32Array.prototype.sort`, several
 * times as fast on thousands of values. Least significant digit first, on keys whose order as integers is that of the
 * values.
 */
export function sortFloats(values: Float32Array): Float32Array {
  const n = values.length;
  const bits = new Uint32Array(values.buffer, values.byteOffset, n);
  const counts = kept.counts.fill(0);
  let from = n <= KEPT ? kept.from : new Uint32Array(n);
  let to = n <= KEPT ? kept.to : new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const word = bits[i]!;
    const key = (word ^ ((word >> 31) | 0x80000000)) >>> 0;
    from[i] = key;
    counts[key & (DIGITS - 1)]!++;
    counts[DIGITS + ((key >>> DIGIT_BITS) & (DIGITS - 1))]!++;
    counts[2 * DIGITS + (key >>> (2 * DIGIT_BITS))]!++;
  }
  for (let digit = 0; digit < 3; digit++) {
    const shift = digit * DIGIT_BITS;
    const first = digit * DIGITS;
    // All alike: values of few bits, such as those stored as bf16, have but two digits.
    if (n === 0 || counts[first + ((from[0]! >>> shift) & (DIGITS - 1))] === n) continue;
    for (let d = first, at = 0; d < first + DIGITS; d++) {
      const count = counts[d]!;
      counts[d] = at;
      at += count;
    }
    for (let i = 0; i < n; i++) {
      const key = from[i]!;
      to[counts[first + ((key >>> shift) & (DIGITS - 1))]!++] = key;
    }
    [from, to] = [to, from];
  }
  for (let i = 0; i < n; i++) {
    const key = from[i]!;
    bits[i] = key ^ (~(key >> 31) | 0x80000000);
  }
  return values;
}
