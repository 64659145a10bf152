type TypedArray = Uint8Array | Uint32Array | Float64Array;

/** Zeros in memory that worker threads share when they are handed the array: the same memory, not a copy. */
export function sharedArray<T extends TypedArray>(
  type: { new (buffer: SharedArrayBuffer): T; readonly BYTES_PER_ELEMENT: number },
  length: number,
): T {
  return new type(new SharedArrayBuffer(length * type.BYTES_PER_ELEMENT));
}
