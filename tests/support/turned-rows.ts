import type { Fingerprint, MatrixSketch } from "../../src/fingerprint/fingerprint.ts";

/** The sketch of the matrix with the signs of these of its sampled rows turned. */
export function turnedRows(sketch: MatrixSketch, turns: (row: number) => boolean): MatrixSketch {
  const turned = sketch.sampled.map((_, row) => turns(row));
  const words = Math.ceil(sketch.cols / 32);
  const bits = sketch.bits.map((word, i) => {
    if (!turned[Math.floor(i / words)]) return word;
    const used = Math.min(32, sketch.cols - 32 * (i % words));
    return word ^ (0xffffffff >>> (32 - used));
  });
  return { ...sketch, bits };
}

/** Every row of every matrix turned or not, by a coin. */
export function turnedAtRandom(fingerprint: Fingerprint, next: () => number): Fingerprint {
  const turned = (sketch: MatrixSketch) => turnedRows(sketch, () => next() % 2 === 0);
  return { ...fingerprint, sketches: fingerprint.sketches.map(turned) };
}
