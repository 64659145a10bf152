import { rowCount, type SignRows } from "../fingerprint/deep-part.ts";
import { hammingMatrix } from "../kernels/bits.ts";
import { type NearestPair, nearestByKey } from "./nearest.ts";

/**
 * How many signs of the rows of two sides differ, n x m, of rows equally wide. There are millions, so that they are asked for
 * what they tell and never written out as cosines, which are sin(pi / 2 (1 - 2 differing / width)).
 */
export interface SignDistances {
  readonly n: number;
  readonly m: number;
  readonly width: number;
  readonly differing: Uint32Array;
}

export function signDistances(a: SignRows, b: SignRows): SignDistances {
  const [n, m] = [rowCount(a), rowCount(b)];
  const differing = hammingMatrix(a.words, n, b.words, m, Math.ceil(a.width / 32));
  return { n, m, width: a.width, differing };
}

/** Whether a row and its opposite are as near: signs of rows may have been turned. */
export type Turning = "signed" | "either";

/** Rows that are each other's nearest by cosine, or by |cosine|. */
export function nearestSigns({ n, m, width, differing }: SignDistances, turning: Turning): readonly NearestPair[] {
  const keys = Int32Array.from({ length: width + 1 }, (_, d) =>
    turning === "signed" ? width - d : Math.abs(width - 2 * d),
  );
  return nearestByKey(differing, n, m, keys);
}

/** Mean cosine, or |cosine|, over the pairs, less the mean over all. */
export function meanOverSigns(
  { m, width, differing }: SignDistances,
  pairs: readonly NearestPair[],
  turning: Turning,
): number {
  if (pairs.length === 0) return 0;
  const cosines = Float64Array.from({ length: width + 1 }, (_, d) => {
    const cosine = Math.sin((Math.PI / 2) * (1 - (2 * d) / width));
    return turning === "signed" ? cosine : Math.abs(cosine);
  });
  const counts = new Uint32Array(width + 1);
  for (let i = 0; i < differing.length; i++) counts[differing[i]!]!++;
  const all = counts.reduce((sum, count, d) => sum + count * cosines[d]!, 0);
  const found = pairs.reduce((sum, { row, column }) => sum + cosines[differing[row * m + column]!]!, 0);
  return found / pairs.length - all / differing.length;
}
