/** `transposeBits` in plain TypeScript, bit for bit. */
export function transposeBitsPlain(
  bits: Uint32Array,
  m: number,
  n: number,
  words: number = Math.ceil(n / 32),
): Uint32Array {
  const outWords = Math.ceil(m / 32);
  const out = new Uint32Array(n * outWords);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      if ((bits[i * words + (j >> 5)]! >>> (j & 31)) & 1) out[j * outWords + (i >> 5)]! |= 1 << (i & 31);
    }
  }
  return out;
}
