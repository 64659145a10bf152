import { matmul } from "../kernels/matmul.ts";

/** How the residual stream of a suspect lies in the reference's: x_reference = x_suspect T. Both are `width` wide. */
export type Residual =
  | { readonly kind: "none" }
  /** Coordinate j of the reference is signs[j] times coordinate from[j] of the suspect. */
  | { readonly kind: "signed-permutation"; readonly from: Uint32Array; readonly signs: Int8Array }
  /** T itself, orthogonal, row-major [suspect x reference]. */
  | { readonly kind: "orthogonal"; readonly transform: Float32Array };

/** Rows [count x width] of the suspect in reference coordinates: rows T. May return its argument. */
export function toReference(rows: Float32Array, width: number, residual: Residual): Float32Array {
  const count = rows.length / width;
  switch (residual.kind) {
    case "none":
      return rows;
    case "signed-permutation": {
      const { from, signs } = residual;
      const out = new Float32Array(rows.length);
      for (let at = 0; at < rows.length; at += width) {
        for (let j = 0; j < width; j++) out[at + j] = signs[j]! * rows[at + from[j]!]!;
      }
      return out;
    }
    case "orthogonal":
      return matmul(rows, residual.transform, { rows: count, depth: width, columns: width });
  }
}

/** Directions [n x width] of the reference in suspect coordinates: directions T^T. May return its argument. */
export function fromReference(directions: Float32Array, width: number, residual: Residual): Float32Array {
  const count = directions.length / width;
  switch (residual.kind) {
    case "none":
      return directions;
    case "signed-permutation": {
      const { from, signs } = residual;
      const out = new Float32Array(directions.length);
      for (let at = 0; at < directions.length; at += width) {
        for (let j = 0; j < width; j++) out[at + from[j]!] = signs[j]! * directions[at + j]!;
      }
      return out;
    }
    case "orthogonal":
      return matmul(directions, residual.transform, { rows: count, depth: width, columns: width, transposedB: true });
  }
}
