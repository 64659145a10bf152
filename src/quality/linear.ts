import type { DenseEngine } from "../numerics/dense-engine.ts";
import type { Linear } from "./architecture.ts";
import type { WeightReader } from "./weight-reader.ts";

/** Weights decoded at a time, in elements: 64 MB as f32. */
const MAX_ELEMENTS = 1 << 24;

/**
 * X W^T + b for X [tokens x columns]: [tokens x rows]. Weights stored [out, in] pass by in bands of rows, so that
 * memory holds one band; those stored [in, out] are held whole.
 */
export async function applyLinear(
  engine: DenseEngine,
  weights: WeightReader,
  linear: Linear,
  x: Float32Array,
): Promise<Float32Array> {
  const { weight, bias, rows, columns, stored } = linear;
  const tokens = x.length / columns;
  const out =
    stored === "in-out"
      ? engine.matmul(x, await weights.elements(weight, 0, rows * columns), tokens, columns, rows)
      : await inBands(engine, weights, linear, x, tokens);
  if (bias !== null) {
    const shift = await weights.vector(bias, rows);
    for (let at = 0; at < out.length; at += rows) for (let j = 0; j < rows; j++) out[at + j]! += shift[j]!;
  }
  return out;
}

async function inBands(
  engine: DenseEngine,
  weights: WeightReader,
  { weight, rows, columns }: Linear,
  x: Float32Array,
  tokens: number,
): Promise<Float32Array> {
  const band = bandRows(columns);
  if (band >= rows) {
    return engine.matmulT(x, await weights.elements(weight, 0, rows * columns), tokens, columns, rows);
  }
  const out = new Float32Array(tokens * rows);
  for (let first = 0; first < rows; first += band) {
    const count = Math.min(band, rows - first);
    const part = await weights.elements(weight, first * columns, count * columns);
    const products = engine.matmulT(x, part, tokens, columns, count);
    for (let t = 0; t < tokens; t++) out.set(products.subarray(t * count, (t + 1) * count), t * rows + first);
  }
  return out;
}

/** Rows of a matrix that are decoded together. */
export function bandRows(columns: number): number {
  return Math.max(1, Math.floor(MAX_ELEMENTS / columns));
}
