import { matmul } from "../kernels/matmul.ts";
import { subset } from "../numerics/prng.ts";
import type { LabelBlock } from "./label-tests.ts";
import { unitRows } from "./take.ts";
import { gramEigen, whitening } from "./whitening.ts";

/** Neurons that others are seen from, and with those that are seen at most and at least. */
const ANCHORS = 128;
export const ANCHORED = 384;
export const LEAST_ANCHORED = 48;
/** Penalty on the directions in which anchors hardly differ, relative to their mean energy. */
const RIDGE = 0.1;

/** Rows that `anchorBlock` wants of so many neurons, drawn by one coin for all models; null where there are too few. */
export function anchorRows(neurons: number): readonly number[] | null {
  const drawn = [...subset(neurons, Math.min(neurons, ANCHORED), "weightmark anchors")];
  return drawn.length < LEAST_ANCHORED ? null : drawn;
}

/**
 * Labels without a common basis: a neuron's features are its products with the anchors of its own layer, whitened over the
 * anchors, (K + ridge)^(-1/2) W_S1 w, K = W_S1 W_S1^T. They are the same however the stream was rotated. Given the anchors the
 * other labels of a layer are exchangeable among themselves.
 *
 * @param a rows of the neurons that `anchorRows` names, count x width, of the one model; b of the other
 */
export function anchorBlock(a: Float32Array, b: Float32Array, widthA: number, widthB: number): LabelBlock {
  const [x, y] = [seenFromAnchors(a, widthA), seenFromAnchors(b, widthB)];
  return { width: x.width, a: x.rows, b: y.rows };
}

/** Rows behind the first, which are the anchors, as these see them: (count - anchors) x anchors. */
export function seenFromAnchors(
  rows: Float32Array,
  width: number,
): { readonly rows: Float32Array; readonly width: number } {
  const units = unitRows(rows, width);
  const anchors = Math.min(ANCHORS, Math.floor(rows.length / width / 3));
  const first = units.subarray(0, anchors * width);
  const rest = units.subarray(anchors * width);
  const count = rest.length / width;
  const root = whitening(gramEigen(first, width), RIDGE);
  const products = matmul(rest, first, { rows: count, depth: width, columns: anchors, transposedB: true });
  return { rows: matmul(products, root, { rows: count, depth: anchors, columns: anchors }), width: anchors };
}
