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
  ["F64", (view, i) => view.getFloat64(8 * i, true)],
]);

/** `decodeToF32` in plain TypeScript: same contract, same bits (F64 NaN payloads apart). */
export function decodeToF32Plain(bytes: Uint8Array, dtype: Dtype, out?: Float32Array): Float32Array {
  const values = decodeTarget(bytes, dtype, out);
  const read = READERS.get(dtype);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (read !== undefined) {
    for (let i = 0; i < values.length; i++) values[i] = read(view, i);
    return values;
  }
  // Bits are moved as integers: a signalling NaN that passes through a number may change.
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const table = smallFloatTable(dtype);
  if (table !== null && table.length === 256) for (let i = 0; i < words.length; i++) words[i] = table[bytes[i]!]!;
  else if (table !== null) for (let i = 0; i < words.length; i++) words[i] = table[view.getUint16(2 * i, true)]!;
  else if (dtype === "BF16") for (let i = 0; i < words.length; i++) words[i] = view.getUint16(2 * i, true) << 16;
  else new Uint8Array(values.buffer, values.byteOffset, bytes.length).set(bytes);
  return values;
}
