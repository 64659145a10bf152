import type { CanonicalTensor, TensorTable } from "../../anatomy/anatomy.ts";

/** The stored vector added to the output of a matrix, and which of its elements belong to the matrix's rows. */
export interface Bias {
  readonly tensor: string;
  /** Whether it has one element per stored row; false means that it is something else and nothing may rest on it. */
  readonly fits: boolean;
  readonly elementOf: (row: number) => number;
}

const FLOATS = new Set(["F64", "F32", "F16", "BF16"]);

/** The bias beside a matrix by its name (`x.weight` and `x.bias`), null when there is none. */
export function biasOf(matrix: CanonicalTensor, tensors: TensorTable): Bias | null {
  const name = biasName(matrix.tensor, tensors);
  if (name === null) return null;
  const { dtype, shape } = tensors.get(name)!;
  const stored = tensors.get(matrix.tensor)!.shape;
  const transposed = matrix.colStride !== 1;
  const rows = transposed ? stored[1]! : stored[0]!;
  const fits = FLOATS.has(dtype) && stored.length === 2 && shape.length === 1 && shape[0] === rows;
  return {
    tensor: name,
    fits,
    elementOf: transposed ? matrix.rowOffset : (row) => matrix.rowOffset(row) / stored[1]!,
  };
}

function biasName(weight: string, tensors: TensorTable): string | null {
  const names = /[._]weight$/.test(weight) ? [weight.replace(/weight$/, "bias")] : [`${weight}.bias`, `${weight}_bias`];
  return names.find((name) => tensors.has(name)) ?? null;
}
