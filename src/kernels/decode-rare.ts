import { WeightmarkError } from "../errors.ts";
import type { Dtype } from "../formats/tensor-info.ts";
import { decodeTarget } from "./decode-target.ts";
import { smallFloatTable } from "./small-floats.ts";

type Reader = (view: DataView, index: number) => number;

const READERS = new Map<Dtype, Reader>([
  ["BOOL", (view, i) => view.getUint8(i)],
  ["U8", (view, i) => view.getUint8(i)],
  ["I8", (view, i) => view.getInt8(i)],
  ["U16", (view, i) => view.getUint16(2 * i, true)],
  ["I16", (view, i) => view.getInt16(2 * i, true)],
  ["U32", (view, i) => view.getUint32(4 * i, true)],
  ["I32", (view, i) => view.getInt32(4 * i, true)],
  ["U64", (view, i) => Number(view.getBigUint64(8 * i, true))],
  ["I64", (view, i) => Number(view.getBigInt64(8 * i, true))],
]);

/** `decodeToF32` of the types that no kernel decodes: integers, the rare f8 types, and F32, which is copied. */
export function decodeRare(bytes: Uint8Array, dtype: Dtype, out?: Float32Array): Float32Array {
  const values = decodeTarget(bytes, dtype, out);
  const read = READERS.get(dtype);
  const table = smallFloatTable(dtype);
  if (read !== undefined) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < values.length; i++) values[i] = read(view, i);
  } else if (table !== null) {
    // Bits are moved as integers: a signalling NaN that passes through a number may change.
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < words.length; i++) words[i] = table[bytes[i]!]!;
  } else if (dtype === "F32") {
    new Uint8Array(values.buffer, values.byteOffset, bytes.length).set(bytes);
  } else throw new WeightmarkError("INTERNAL", `${dtype} has a kernel that decodes it`);
  return values;
}
