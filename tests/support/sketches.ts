import type { Fingerprint, MatrixSketch } from "../../src/fingerprint/fingerprint.ts";
import type { MatrixPair } from "../../src/lineage/matrix-pair.ts";
import { randomFingerprint } from "./random-fingerprint.ts";

/** `count` unrelated matrices, a layer each; the first `equal` of the suspect's are the base's with `noise`. */
export function matrixPairs(
  seed: number,
  count: number,
  equal: number,
  change: Partial<MatrixSketch> = {},
  noise = 0.05,
  cols = 64,
): MatrixPair[] {
  const roles = ["q"] as const;
  const base = randomFingerprint({ seed, layers: count, roles, cols });
  const copy = randomFingerprint({ seed: seed + 1, layers: count, roles, cols, from: base, noise });
  const other = randomFingerprint({ seed: seed + 2, layers: count, roles, cols });
  return base.sketches.map((sketch, i) => ({
    suspect: { ...(i < equal ? copy : other).sketches[i]!, ...change },
    base: { ...sketch, ...change },
  }));
}

/** A fingerprint of these sketches, a tensor each, that belongs to the sketch's stack. */
export function fingerprintOf(sketches: readonly MatrixSketch[], seed = 1): Fingerprint {
  const count = sketches.length;
  return {
    ...randomFingerprint({ seed, layers: 1 }),
    sketches,
    coverage: { sketched: count, worth: count, matrices: count, digested: count, tensors: count },
    tensors: sketches.map(({ rows, cols, digest, component }, i) => ({
      name: `tensor.${i}`,
      dtype: "F32",
      shape: [rows, cols],
      content: null,
      moments: null,
      values: digest,
      component,
      uniform: false,
    })),
  };
}
