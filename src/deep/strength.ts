import { matmul } from "../kernels/matmul.ts";
import { nearestByCosine } from "./nearest.ts";
import { meanOverSigns, nearestSigns, type SignDistances } from "./sign-distances.ts";
import { unitRows } from "./take.ts";
import type { NeuronViews } from "./views.ts";

/** Share of the strongest common directions that strength leaves out. */
export const BULK = 0.5;

/** How alike the neurons of two layers are, matched by one view and scored by the others: about 0 for unrelated networks. */
export interface LayerStrength {
  /** Mean cosine of the gates of neurons matched by what they read and write, less that of all pairs. */
  readonly gate: number;
  /**
   * Mean product of the cosines of what gate-matched neurons read and write, less that of all pairs; its root, with the sign.
   */
  readonly through: number;
  readonly matched: number;
}

/**
 * Match by one view, score by another: scored by the view that they were matched by, unrelated neurons are alike. Up and
 * down of a gated neuron may carry a common sign, which cancels in their product; gates may not, and a plain network has none.
 *
 * @returns null where a side has no view to score by
 */
export function layerStrength(a: NeuronViews, b: NeuronViews): LayerStrength | null {
  const [n, m] = [a.neurons, b.neurons];
  const cosines = (x: Float32Array | null, y: Float32Array | null): Float32Array | null =>
    x === null || y === null
      ? null
      : matmul(unitRows(x, a.width), unitRows(y, b.width), { rows: n, depth: a.width, columns: m, transposedB: true });
  return strengthOfCosines(
    { gate: cosines(a.gate, b.gate), up: cosines(a.up, b.up), down: cosines(a.down, b.down) },
    n,
    m,
  );
}

/** The same of cosines at hand, n x m. */
function strengthOfCosines(
  { gate, up, down }: { readonly [role in "gate" | "up" | "down"]: Float32Array | null },
  n: number,
  m: number,
): LayerStrength | null {
  if (up === null) return null;
  if (gate === null) {
    if (down === null) return null;
    const [byUp, byDown] = [nearestByCosine(up, n, m), nearestByCosine(down, n, m)];
    const through = meanOver(down, byUp, m);
    return { gate: meanOver(up, byDown, m), through, matched: byUp.length };
  }
  const byGate = nearestByCosine(gate, n, m);
  if (down === null) {
    const sizes = new Float32Array(up.length);
    for (let i = 0; i < sizes.length; i++) sizes[i] = Math.abs(up[i]!);
    return {
      gate: meanOver(gate, nearestByCosine(sizes, n, m), m),
      through: meanOver(sizes, byGate, m),
      matched: byGate.length,
    };
  }
  const product = new Float32Array(up.length);
  for (let i = 0; i < product.length; i++) product[i] = up[i]! * down[i]!;
  const through = meanOver(product, byGate, m);
  return {
    gate: meanOver(gate, nearestByCosine(product, n, m), m),
    through: Math.sign(through) * Math.sqrt(Math.abs(through)),
    matched: byGate.length,
  };
}

/**
 * The same as signs of rows tell it. Where there is a gate, what writes the stream is not asked.
 *
 * @returns null where a side has no view to score by
 */
export function strengthOfSigns({
  gate,
  up,
  down,
}: {
  readonly [role in "gate" | "up" | "down"]: SignDistances | null;
}): LayerStrength | null {
  const [one, other] = gate === null ? [up, down] : [gate, up];
  if (one === null || other === null) return null;
  // Up may carry a sign that down takes back.
  const turning = gate === null ? "signed" : "either";
  const [byOne, byOther] = [nearestSigns(one, "signed"), nearestSigns(other, turning)];
  return {
    gate: meanOverSigns(one, byOther, "signed"),
    through: meanOverSigns(other, byOne, turning),
    matched: byOne.length,
  };
}

/** Mean over the pairs, less the mean over all. */
function meanOver(cosines: Float32Array, pairs: readonly (readonly [number, number])[], m: number): number {
  if (pairs.length === 0) return 0;
  let all = 0;
  for (let i = 0; i < cosines.length; i++) all += cosines[i]!;
  let sum = 0;
  for (const [i, j] of pairs) sum += cosines[i * m + j]!;
  return sum / pairs.length - all / cosines.length;
}
