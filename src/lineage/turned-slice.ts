const ROUNDS = 4;

/** `b` with rows and columns turned (their signs changed) so that it agrees with `a` as far as that goes. */
export function turnToAgree(a: Float32Array, b: Float32Array, height: number, width: number): Float32Array {
  const rows = new Float64Array(height).fill(1);
  const columns = new Float64Array(width).fill(1);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < height; i++) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += a[i * width + j]! * b[i * width + j]! * columns[j]!;
      rows[i] = sum < 0 ? -1 : 1;
    }
    const sums = new Float64Array(width);
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) sums[j]! += a[i * width + j]! * b[i * width + j]! * rows[i]!;
    }
    for (let j = 0; j < width; j++) columns[j] = sums[j]! < 0 ? -1 : 1;
  }
  const out = new Float32Array(b.length);
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) out[i * width + j] = b[i * width + j]! * rows[i]! * columns[j]!;
  }
  return out;
}
