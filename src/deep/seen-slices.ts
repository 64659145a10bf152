import { matmul } from "../kernels/matmul.ts";
import type { DeepModel } from "./deep-model.ts";
import { type MatchedSlice, matchedSlices } from "./matched-slices.ts";
import type { NetworkPair } from "./network-pairs.ts";
import { type SideRows, sideRows } from "./paired-rows.ts";
import type { TokenEvidence } from "./token-evidence.ts";
import { firstNeurons, neuronViews } from "./views.ts";

/** Slices of the networks of two models at hand, in the dimensions of one of them where there are such. */
export async function seenSlices(
  a: DeepModel,
  b: DeepModel,
  networks: readonly NetworkPair[],
  { frames, trained }: Pick<TokenEvidence, "frames" | "trained">,
): Promise<readonly MatchedSlice[]> {
  const own = frames.own();
  const frame = own ?? frames.weaker(0);
  const sides: SideRows[] = [];
  for (const [x, y] of networks) {
    const [first, second] = [await neuronViews(a, x, frame.a), await neuronViews(b, y, frame.b)];
    if (first === null || second === null) continue;
    const sought = firstNeurons(second);
    sides.push(
      ...sideRows({ a: first, b: sought, common: Math.min(first.neurons, sought.neurons), measurable: own !== null }),
    );
  }
  if (own === null) return matchedSlices(sides, null);
  const seen = (rows: Float32Array, map: Float32Array, depth: number): Float32Array =>
    matmul(rows, map, { rows: rows.length / depth, depth, columns: own.width });
  return matchedSlices(sides, {
    tokens: { a: seen(trained.a, own.a, a.width), b: seen(trained.b, own.b, b.width) },
    placing: a.width === own.width && b.width === own.width ? own.b : null,
  });
}
