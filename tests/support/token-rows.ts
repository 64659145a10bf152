import { type Prng, prng } from "../../src/numerics/prng.ts";
import type { TokenMatrix } from "../../src/watermark/carriers/tokens/token-matrix.ts";
import { unit } from "./random-model.ts";

/** rows x cols of an embedding as training leaves it: a common mean, four strong directions, lengths that vary. */
export function trainedRows(seed: number, rows: number, cols: number): Float32Array {
  const random = prng(`token rows ${seed}`);
  const mean = unit(cols, random);
  const strong = Array.from({ length: 4 }, () => unit(cols, random));
  const out = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i++) {
    const length = Math.exp(0.15 * random.normal()) / Math.sqrt(cols);
    const weights = strong.map(() => random.normal());
    for (let c = 0; c < cols; c++) {
      let value = length * random.normal() + 0.8 * mean[c]!;
      for (const [k, direction] of strong.entries()) value += 0.6 * weights[k]! * direction[c]!;
      out[i * cols + c] = 0.1 * value;
    }
  }
  return out;
}

export function tokenMatrix(
  values: Float32Array,
  cols: number,
  { carrier = "embedding", gain = null }: Partial<Pick<TokenMatrix, "carrier" | "gain">> = {},
): TokenMatrix {
  const read = async (first: number, count: number) => values.slice(first * cols, (first + count) * cols);
  return { carrier, rows: values.length / cols, cols, gain, read };
}

/** n x n, orthogonal: Gaussian rows, each freed of those before it. */
export function randomRotation(n: number, random: Prng): Float64Array[] {
  const rows: Float64Array[] = [];
  for (let i = 0; i < n; i++) {
    const row = unit(n, random);
    for (let pass = 0; pass < 2; pass++) {
      for (const other of rows) {
        const inner = row.reduce((sum, x, c) => sum + x * other[c]!, 0);
        for (let c = 0; c < n; c++) row[c]! -= inner * other[c]!;
      }
    }
    const length = Math.hypot(...row);
    rows.push(row.map((x) => x / length));
  }
  return rows;
}

/** Every row times scale * Q. */
export function rotated(values: Float32Array, q: readonly Float64Array[], scale: number): Float32Array {
  const cols = q.length;
  const out = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += cols) {
    const row = new Float64Array(cols);
    for (let k = 0; k < cols; k++) for (let c = 0; c < cols; c++) row[c]! += scale * values[start + k]! * q[k]![c]!;
    out.set(row, start);
  }
  return out;
}
