import { DTYPE_BITS, type Dtype } from "../formats/tensor-info.ts";

/** Neighbouring elements of a tensor, from one on. */
export interface Piece {
  readonly start: number;
  readonly values: ArrayLike<number>;
}

const READERS: ReadonlyMap<Dtype, (view: DataView, at: number) => number> = new Map([
  ["BOOL", (view: DataView, at: number) => view.getUint8(at)],
  ["U8", (view: DataView, at: number) => view.getUint8(at)],
  ["I8", (view: DataView, at: number) => view.getInt8(at)],
  ["U16", (view: DataView, at: number) => view.getUint16(at, true)],
  ["I16", (view: DataView, at: number) => view.getInt16(at, true)],
  ["U32", (view: DataView, at: number) => view.getUint32(at, true)],
  ["I32", (view: DataView, at: number) => view.getInt32(at, true)],
  ["U64", (view: DataView, at: number) => Number(view.getBigUint64(at, true))],
  ["I64", (view: DataView, at: number) => Number(view.getBigInt64(at, true))],
]);

/**
 * The elements among stored bytes of a tensor, from one byte on; null for types whose elements are no whole numbers. Those
 * beyond 53 bits are rounded.
 */
export function wholeNumbers(bytes: Uint8Array, first: number, dtype: Dtype): Piece | null {
  const read = READERS.get(dtype);
  if (read === undefined) return null;
  const width = DTYPE_BITS[dtype] / 8;
  const start = Math.ceil(first / width);
  const skipped = start * width - first;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Math.max(0, Math.floor((bytes.length - skipped) / width));
  return { start, values: Float64Array.from({ length }, (_, i) => read(view, skipped + i * width)) };
}
