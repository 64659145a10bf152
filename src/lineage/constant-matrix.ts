import type { MatrixSketch } from "../fingerprint/fingerprint.ts";
import type { Pairing } from "./pairing.ts";
import type { Stack } from "./stack.ts";
import type { StackMatch } from "./stack-match.ts";

/** Rows of an orthogonal basis all have one norm, which weights never do to this accuracy; masks and signs have a few sizes. */
const ONE_NORM = 0.1;
const FEW_SIZES = 0.5;

/** Whether a matrix looks like a constant of mathematics (a Fourier or Hadamard basis, a mask): such are everybody's. */
export function isConstant(sketch: MatrixSketch): boolean {
  return hasOneNorm(sketch) || sketch.moments.distinct < FEW_SIZES;
}

/** Whether all rows have one norm, as those of an orthogonal basis do. */
export function hasOneNorm({ moments, cols }: MatrixSketch): boolean {
  return moments.rowNormSpread < ONE_NORM / Math.sqrt(2 * cols);
}

/** A fixed basis stored in every layer of both models is nobody's, and one piece of evidence at most. */
export function withoutConstants(pairing: Pairing, { suspect, base }: StackMatch): Pairing {
  const count = ({ sketches }: Stack): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const { digest } of sketches) counts.set(digest.f32, (counts.get(digest.f32) ?? 0) + 1);
    return counts;
  };
  const [left, right] = [count(suspect), count(base)];
  const pairs = pairing.pairs.filter(({ suspect: { digest: a }, base: { digest: b } }) => {
    return a.f32 !== b.f32 || left.get(a.f32) === 1 || right.get(b.f32) === 1;
  });
  return pairs.length === pairing.pairs.length ? pairing : { ...pairing, pairs };
}
