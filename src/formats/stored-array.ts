import type { Dtype } from "./tensor-info.ts";

/** An array as files of PyTorch and NumPy keep it: elements of one type at strides of their own in a run of bytes. */
export interface StoredArray {
  /** Opaque and hostile: never a path, escaped on output. */
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Elements from one index of each axis to the next; 0 repeats what is there. */
  readonly strides: readonly number[];
  /** Where its first element begins, from the start of the file. */
  readonly begin: number;
  readonly bigEndian: boolean;
}

/** The strides of an array whose last axis runs fastest. */
export function plainStrides(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const size of [...shape].reverse()) {
    strides.unshift(stride);
    stride *= size;
  }
  return strides;
}

/** Whether the elements stand one after the other with the last axis fastest, as everybody else stores them. */
export function isPlain({ shape, strides }: Pick<StoredArray, "shape" | "strides">): boolean {
  if (shape.includes(0)) return true;
  const plain = plainStrides(shape);
  return shape.every((size, axis) => size === 1 || strides[axis] === plain[axis]);
}
