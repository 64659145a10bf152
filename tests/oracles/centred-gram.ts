/** `centredGram` by its definition, on unpacked f64 signs; equal within 1e-12 n. */
export function centredGramPlain(packed: Uint32Array, m: number, words: number, n: number): Float64Array {
  const rows = Array.from({ length: m }, (_, i) => {
    const signs = Float64Array.from({ length: n }, (_, j) =>
      (packed[i * words + (j >> 5)]! >>> (j & 31)) & 1 ? -1 : 1,
    );
    const mean = signs.reduce((sum, x) => sum + x, 0) / n;
    return signs.map((x) => x - mean);
  });
  const gram = new Float64Array(m * m);
  rows.forEach((a, i) => {
    rows.forEach((b, j) => {
      gram[i * m + j] = a.reduce((sum, x, k) => sum + x * b[k]!, 0);
    });
  });
  return gram;
}
