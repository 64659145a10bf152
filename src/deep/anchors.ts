import { matmul } from "../kernels/matmul.ts";
import { symmetricEigen } from "../numerics/eigen.ts";
import { subset } from "../numerics/prng.ts";
import type { LabelBlock } from "./label-tests.ts";
import { unitRows } from "./take.ts";

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

function seenFromAnchors(rows: Float32Array, width: number, anchors: number): Float32Array {
  const units = unitRows(rows, width);
  const first = units.subarray(0, anchors * width);
  const rest = units.subarray(anchors * width);
  const count = rest.length / width;
  const shape = { depth: width, columns: anchors, transposedB: true } as const;
  const gram = Float64Array.from(matmul(first, first, { rows: anchors, ...shape }));
  for (let i = 0; i < anchors; i++) for (let j = 0; j < i; j++) gram[i * anchors + j] = gram[j * anchors + i]!;
  const { values, vectors } = symmetricEigen(gram, anchors);
  const mean = values.reduce((sum, value) => sum + Math.max(0, value), 0) / anchors;
  const left = new Float32Array(anchors * anchors);
  const right = new Float32Array(anchors * anchors);
  for (let k = 0; k < anchors; k++) {
    const scale = 1 / Math.sqrt(Math.max(0, values[k]!) + RIDGE * mean);
    for (let i = 0; i < anchors; i++) {
      left[i * anchors + k] = vectors[k * anchors + i]! * scale;
      right[k * anchors + i] = vectors[k * anchors + i]!;
    }
  }
  const root = matmul(left, right, { rows: anchors, depth: anchors, columns: anchors });
  const products = matmul(rest, first, { rows: count, ...shape });
  return matmul(products, root, { rows: count, depth: anchors, columns: anchors });
}
