import { matmul } from "../kernels/matmul.ts";
import { subset } from "../numerics/prng.ts";
import type { LabelBlock } from "./label-tests.ts";
import { unitRows } from "./take.ts";
import { gramEigen, whitening } from "./whitening.ts";

/** Neurons that others are seen from, and neurons that are seen: drawn by one coin for all models. */
const ANCHORS = 128;
const LABELS = 256;
/** Penalty on the directions in which anchors hardly differ, relative to their mean energy. */
const RIDGE = 0.1;

/** Rows that `anchorBlock` wants of a network of so many neurons: anchors first; null where there are too few. */
export function anchorRows(neurons: number): readonly number[] | null {
  const drawn = [...subset(neurons, Math.min(neurons, ANCHORS + LABELS), "weightmark anchors")];
  return drawn.length < 48 ? null : drawn;
}

/**
 * Labels without a common basis: a neuron's features are its products with the anchors of its own layer, whitened over the
 * anchors, (K + ridge)^(-1/2) W_S1 w, K = W_S1 W_S1^T. They are the same however the stream was rotated. Given the anchors the
 * other labels of a layer are exchangeable among themselves.
 *
 * @param a rows of the neurons that `anchorRows` names, count x width, of the one model; b of the other
 */
export function anchorBlock(a: Float32Array, b: Float32Array, widthA: number, widthB: number): LabelBlock {
  const count = a.length / widthA;
  const anchors = Math.min(ANCHORS, Math.floor(count / 3));
  return { width: anchors, a: seenFromAnchors(a, widthA, anchors), b: seenFromAnchors(b, widthB, anchors) };
}

/** Rows behind the first `anchors` as these see them: (count - anchors) x anchors. */
export function seenFromAnchors(rows: Float32Array, width: number, anchors: number): Float32Array {
  const units = unitRows(rows, width);
  const first = units.subarray(0, anchors * width);
  const rest = units.subarray(anchors * width);
  const count = rest.length / width;
  const root = whitening(gramEigen(first, width), RIDGE);
  const products = matmul(rest, first, { rows: count, depth: width, columns: anchors, transposedB: true });
  return matmul(products, root, { rows: count, depth: anchors, columns: anchors });
}
