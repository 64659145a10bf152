import { DTYPE_BITS, type Dtype } from "../../src/formats/tensor-info.ts";

type Reader = (view: DataView, index: number) => number;

const NUMBERS = new Map<Dtype, Reader>([
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

/** A binary floating-point type of 8 or 16 bits. */
interface FloatLayout {
  readonly exponent: number;
  readonly mantissa: number;
  readonly bias: number;
  /**
   * "ieee": the top exponent is infinity and NaN. "top": only all ones are NaN, no infinity. "minus-zero": the code of
   * -0 is NaN, no infinity (the FNUZ types). The f8 types are those of Micikevicius et al. 2022 and of OCP FP8 1.0.
   */
  readonly special: "ieee" | "top" | "minus-zero";
}

const LAYOUTS = new Map<Dtype, FloatLayout>([
  ["F16", { exponent: 5, mantissa: 10, bias: 15, special: "ieee" }],
  ["F8_E5M2", { exponent: 5, mantissa: 2, bias: 15, special: "ieee" }],
  ["F8_E4M3", { exponent: 4, mantissa: 3, bias: 7, special: "top" }],
  ["F8_E4M3FNUZ", { exponent: 4, mantissa: 3, bias: 8, special: "minus-zero" }],
  ["F8_E5M2FNUZ", { exponent: 5, mantissa: 2, bias: 16, special: "minus-zero" }],
]);

const QUIET_NAN = 0x7fc00000;
const scratch = new DataView(new ArrayBuffer(4));

/** `decodeToF32` in plain TypeScript, one element after the other by the definition of its type, bit for bit. */
export function decodePlain(bytes: Uint8Array, dtype: Dtype): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(bytes.length / (DTYPE_BITS[dtype] / 8));
  const read = NUMBERS.get(dtype);
  if (read !== undefined) return values.map((_, i) => read(view, i));
  // Bits are moved as integers: a signalling NaN that passes through a number may change.
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < words.length; i++) words[i] = wordOf(view, i, dtype);
  return values;
}

/** The f32 bits of element `i`. */
function wordOf(view: DataView, i: number, dtype: Dtype): number {
  if (dtype === "F32") return view.getUint32(4 * i, true);
  if (dtype === "BF16") return view.getUint16(2 * i, true) << 16;
  // The shared scale of the OCP microscaling formats: 2^(code - 127), 255 is NaN.
  if (dtype === "F8_E8M0") return view.getUint8(i) === 255 ? QUIET_NAN : bitsOf(2 ** (view.getUint8(i) - 127));
  const layout = LAYOUTS.get(dtype);
  if (layout === undefined) throw new Error(`no definition of ${dtype} here`);
  return smallFloat(DTYPE_BITS[dtype] === 8 ? view.getUint8(i) : view.getUint16(2 * i, true), layout);
}

function smallFloat(code: number, { exponent, mantissa, bias, special }: FloatLayout): number {
  const negative = code >> (exponent + mantissa) === 1;
  const sign = negative ? 0x80000000 : 0;
  const top = 2 ** exponent - 1;
  const e = (code >> mantissa) & top;
  const m = code & (2 ** mantissa - 1);
  if (special === "ieee" && e === top) return (sign | 0x7f800000 | (m << (23 - mantissa))) >>> 0;
  if (special === "top" && e === top && m === 2 ** mantissa - 1) return (sign | QUIET_NAN) >>> 0;
  if (special === "minus-zero" && negative && e === 0 && m === 0) return QUIET_NAN;
  const size = e === 0 ? m * 2 ** (1 - bias - mantissa) : (2 ** mantissa + m) * 2 ** (e - bias - mantissa);
  return bitsOf(negative ? -size : size);
}

function bitsOf(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}
