import type { CanonicalTensor, TensorTable } from "./anatomy.ts";
import type { Reach } from "./reach.ts";
import { transposedView } from "./view.ts";

/** A transposed view is read with its whole tensor, so large ones get none, and a hostile model not too many. */
const MAX_ELEMENTS = 2 ** 24;
const MAX_TWINS = 4096;
/** Below this confidence names say nothing of most matrices. */
const UNNAMED = 0.5;

/**
 * The other way to read linears of which neither names nor shapes say which way they lie: exports keep them as
 * [in, out] or [out, in], and content shows which. Inside layers only where most names say nothing.
 */
export function twinsOf(
  matrices: readonly CanonicalTensor[],
  tensors: TensorTable,
  reaches: ReadonlyMap<string, Reach>,
  confidence: number,
): readonly CanonicalTensor[] {
  const twins: CanonicalTensor[] = [];
  for (const matrix of matrices) {
    if (twins.length === MAX_TWINS) break;
    const { role, candidates, tensor, layer, rows, cols } = matrix;
    if (role !== "unknown" || candidates !== undefined || reaches.has(tensor)) continue;
    if (layer >= 0 && confidence >= UNNAMED) continue;
    if (tensors.get(tensor)!.shape.length !== 2 || rows * cols > MAX_ELEMENTS) continue;
    const { rowOffset: _, ...place } = matrix;
    twins.push({ ...transposedView(place, cols, rows), twin: true });
  }
  return twins;
}
