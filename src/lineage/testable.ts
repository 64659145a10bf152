import type { Anatomy, TensorTable } from "../anatomy/anatomy.ts";
import type { MatrixSketch } from "../fingerprint/fingerprint.ts";
import { indexedByTokens, sketched } from "../fingerprint/sampling.ts";
import { holdsValues } from "../formats/dtype-kind.ts";
import { EMBEDDINGS } from "./result.ts";

/** Matrices that a test needs at least. */
const FEWEST = 2;

/** What is known of a matrix before its signs are: a sketch is more than one. */
export type MatrixOutline = Pick<
  MatrixSketch,
  "component" | "layer" | "expert" | "role" | "axis" | "twin" | "rows" | "cols" | "tokens" | "valid"
>;

/** Whether the tests apply to one component of a model. */
export interface TestablePart {
  readonly component: string;
  /** Matrices of it that have a usable row and labels that can be exchanged. */
  readonly matrices: number;
  readonly testable: boolean;
  /** Why not, else null. */
  readonly reason: string | null;
}

/**
 * Which components of a model can be tested against another of the same shape, by component: of a fingerprint, or of the
 * outlines of its matrices. None where the model has no matrix.
 */
export function testableParts({ sketches }: { readonly sketches: readonly MatrixOutline[] }): TestablePart[] {
  const components = new Map<string, MatrixOutline[]>();
  for (const sketch of sketches) {
    if (sketch.twin) continue;
    const list = components.get(sketch.component);
    if (list) list.push(sketch);
    else components.set(sketch.component, [sketch]);
  }
  const sorted = [...components].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([component, list]) => {
    const apt = list.filter(({ axis }) => axis !== null);
    const matrices = apt.filter(({ valid }) => valid.some(Boolean)).length;
    if (component === EMBEDDINGS) return { component, matrices, testable: false, reason: TABLES };
    const testable = matrices >= FEWEST;
    const reason = (apt.length === 0 ? allSquare(list) : null) ?? reasonFor(apt.length, matrices);
    return { component, matrices, testable, reason: testable ? null : reason };
  });
}

const TABLES = "tables alone show no more than that they are the same table";

/**
 * Why square matrices of one width cannot be tested, null where there are others: such a net may be a chain of layers, but also
 * lenses side by side or a residual stream of given features, and then its labels are nobody's.
 */
export function allSquare(matrices: readonly Pick<MatrixOutline, "rows" | "cols">[]): string | null {
  const width = matrices[0]?.cols;
  if (matrices.length < FEWEST || !matrices.every(({ rows, cols }) => rows === width && cols === width)) return null;
  const all = `all ${matrices.length} matrices are ${width} x ${width}, as wide as what they were given`;
  return `${all}: nothing shows that their columns are hidden units, and only equality was tested; add the layers before or after them, if any has more than one input or output`;
}

const NO_UNITS =
  "no matrix of which shapes or names tell that its columns are hidden units of this model: only equality is tested; give the whole model, its linears as matrices of two axes under the names of a common library";

function reasonFor(apt: number, usable: number): string {
  if (apt < FEWEST)
    return apt === 0
      ? NO_UNITS
      : "a single matrix that a test can use, which counts only together with those of other parts";
  return usable === 0
    ? "no matrix with a row that can be used: constant or not finite"
    : "a single matrix with rows that can be used, which counts only together with those of other parts";
}

/**
 * The outlines of what a fingerprint would sketch, by names and shapes alone.
 *
 * @param unusable names of stored tensors in which no value was seen that says something
 */
export function outlinesOf(
  { matrices }: Anatomy,
  tensors: TensorTable,
  unusable: ReadonlySet<string>,
): MatrixOutline[] {
  const valued = matrices.filter(
    ({ tensor, rows, cols }) => holdsValues(tensors.get(tensor)!.dtype) && rows > 0 && cols > 0,
  );
  return sketched(valued).map((matrix) => {
    const { stack: component, layer, expert, role, axis, twin = false, rows, cols } = matrix;
    const valid = [!unusable.has(matrix.tensor)];
    return { component, layer, expert, role, axis, twin, rows, cols, tokens: indexedByTokens(matrix), valid };
  });
}
