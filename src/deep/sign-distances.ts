import { rowCount, type SignRows } from "../fingerprint/deep-part.ts";
import { popcount32 } from "../kernels/bits.ts";
import { type RowDistances, rowDistances } from "../kernels/nearest-rows.ts";
import type { NearestPair } from "./nearest.ts";

/**
 * In how many signs the rows of two sides differ, n and m rows equally wide. There are millions of pairs, so that they are asked
 * for what they tell and never written out as cosines, which are sin(pi / 2 (1 - 2 differing / width)).
 */
export interface SignDistances extends RowDistances {
  readonly a: SignRows;
  readonly b: SignRows;
  readonly n: number;
  readonly m: number;
}

export function signDistances(a: SignRows, b: SignRows): SignDistances {
  return { a, b, n: rowCount(a), m: rowCount(b), ...rowDistances(a.words, b.words, a.width) };
}

/** Whether a row and its opposite are as near: signs of rows may have been turned. */
export type Turning = "signed" | "either";

/** Rows that are each other's nearest by cosine, or by |cosine|. */
export function nearestSigns({ plain, folded }: SignDistances, turning: Turning): readonly NearestPair[] {
  const { a, b } = turning === "signed" ? plain : folded;
  const pairs: NearestPair[] = [];
  for (const [row, column] of a.at.entries()) {
    if (b.at[column] !== row) continue;
    pairs.push({ row, column, alone: a.second[row]! > a.best[row]! && b.second[column]! > b.best[column]! });
  }
  return pairs;
}

/** Mean cosine, or |cosine|, over the pairs, less the mean over all. */
export function meanOverSigns(distances: SignDistances, pairs: readonly NearestPair[], turning: Turning): number {
  if (pairs.length === 0) return 0;
  const { n, m, counts } = distances;
  const { width } = distances.a;
  const cosines = Float64Array.from({ length: width + 1 }, (_, d) => {
    const cosine = Math.sin((Math.PI / 2) * (1 - (2 * d) / width));
    return turning === "signed" ? cosine : Math.abs(cosine);
  });
  const all = counts.reduce((sum, count, d) => sum + count * cosines[d]!, 0);
  const found = pairs.reduce((sum, { row, column }) => sum + cosines[differing(distances, row, column)]!, 0);
  return found / pairs.length - all / (n * m);
}

function differing({ a, b }: SignDistances, row: number, column: number): number {
  const words = Math.ceil(a.width / 32);
  let sum = 0;
  for (let w = 0; w < words; w++) sum += popcount32(a.words[row * words + w]! ^ b.words[column * words + w]!);
  return sum;
}
