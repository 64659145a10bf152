import type { Dtype } from "./tensor-info.ts";

/** Element types whose values are weights. Integers are quantised weights or indices: their values mean nothing alone. */
const VALUE_DTYPES: ReadonlySet<Dtype> = new Set<Dtype>([
  "F64",
  "F32",
  "F16",
  "BF16",
  "F8_E4M3",
  "F8_E5M2",
  "F8_E4M3FNUZ",
  "F8_E5M2FNUZ",
]);

/** Masks, positions and indices: no weights under any reading. */
const INDEX_DTYPES: ReadonlySet<Dtype> = new Set<Dtype>(["BOOL", "I64", "U64"]);

export function holdsValues(dtype: Dtype): boolean {
  return VALUE_DTYPES.has(dtype);
}

/** Whether elements are weights in a packed form (quantised, block scales): content, but no numbers to compare. */
export function holdsPacked(dtype: Dtype): boolean {
  return !holdsValues(dtype) && !holdsIndices(dtype);
}

/** Whether elements are indices or masks, which libraries make anew and store or leave out as they like. */
export function holdsIndices(dtype: Dtype): boolean {
  return INDEX_DTYPES.has(dtype);
}
