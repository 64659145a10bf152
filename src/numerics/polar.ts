import { matmul } from "../kernels/matmul.ts";

/** Quintic steps multiply small singular values by this much and bring all of them near 1 (K. Jordan et al., Muon, 2024). */
const QUINTIC = { a: 3.4445, b: -4.775, c: 2.0315 } as const;
/** Directions weaker than 3.4^-9, about 1e-5 of the strongest, stay undetermined: so does any answer for them. */
const QUINTIC_STEPS = 9;
/** Cubic Newton-Schulz steps that then take singular values from [.6, 1.3] to 1 within f32. */
const CUBIC_STEPS = 6;
const POWER_STEPS = 20;

/**
 * Orthogonal polar factor U V^T of M = U S V^T, n x n, by matrix products alone (Higham, Functions of Matrices, ch. 8).
 * Directions far weaker than the strongest come out shorter than 1. Null for a matrix without a usable norm.
 */
export function polarFactor(m: Float32Array, n: number): Float32Array | null {
  const norm = spectralNorm(m, n);
  if (!(norm > 0 && norm < Number.POSITIVE_INFINITY)) return null;
  let x: Float32Array = m.map((value) => value / (1.01 * norm));
  const square = { rows: n, depth: n, columns: n } as const;
  for (let step = 0; step < QUINTIC_STEPS; step++) {
    const gram = matmul(x, x, { ...square, transposedB: true });
    const factor = matmul(gram, gram, square);
    for (let i = 0; i < factor.length; i++) factor[i] = QUINTIC.b * gram[i]! + QUINTIC.c * factor[i]!;
    for (let i = 0; i < n; i++) factor[i * n + i]! += QUINTIC.a;
    x = matmul(factor, x, square);
  }
  for (let step = 0; step < CUBIC_STEPS; step++) {
    const factor = matmul(x, x, { ...square, transposedB: true });
    for (let i = 0; i < factor.length; i++) factor[i]! *= -0.5;
    for (let i = 0; i < n; i++) factor[i * n + i]! += 1.5;
    x = matmul(factor, x, square);
  }
  return x;
}

/** Largest singular value, from below, by power iteration from a fixed start. */
function spectralNorm(m: Float32Array, n: number): number {
  let v = new Float32Array(n).map((_, i) => 1 + (i % 7) / 7);
  let norm = 0;
  for (let step = 0; step < POWER_STEPS; step++) {
    const forward = matmul(m, v, { rows: n, depth: n, columns: 1 });
    const back = matmul(forward, m, { rows: 1, depth: n, columns: n });
    const length = Math.sqrt(back.reduce((sum, x) => sum + x * x, 0));
    if (!(length > 0)) return length;
    norm = Math.sqrt(length);
    v = back.map((x) => x / length);
  }
  return norm;
}
