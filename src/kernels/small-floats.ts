import type { Dtype } from "../formats/tensor-info.ts";

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
const tables = new Map<Dtype, Uint32Array>();

/** The f32 bits of every code of the type, indexed by code: 256 or 65,536 words. Null when it is not such a type. */
export function smallFloatTable(dtype: Dtype): Uint32Array | null {
  const known = tables.get(dtype);
  if (known !== undefined) return known;
  const layout = LAYOUTS.get(dtype);
  if (layout === undefined && dtype !== "F8_E8M0") return null;
  const table = layout === undefined ? powersOfTwo() : tabulate(layout);
  tables.set(dtype, table);
  return table;
}

/** E8M0, the shared scale of the OCP microscaling formats: 2^(code - 127), 255 is NaN. */
function powersOfTwo(): Uint32Array {
  const values = Float32Array.from({ length: 256 }, (_, code) => 2 ** (code - 127));
  const table = new Uint32Array(values.buffer);
  table[255] = QUIET_NAN;
  return table;
}

function tabulate(layout: FloatLayout): Uint32Array {
  const { exponent, mantissa, bias, special } = layout;
  const bits = 1 + exponent + mantissa;
  const values = new Float32Array(2 ** bits);
  const words = new Uint32Array(values.buffer);
  const top = 2 ** exponent - 1;
  for (let code = 0; code < values.length; code++) {
    const negative = code >> (bits - 1) === 1;
    const e = (code >> mantissa) & top;
    const m = code & (2 ** mantissa - 1);
    const size = e === 0 ? m * 2 ** (1 - bias - mantissa) : (2 ** mantissa + m) * 2 ** (e - bias - mantissa);
    values[code] = negative ? -size : size;
    const sign = negative ? 0x80000000 : 0;
    if (special === "ieee" && e === top) words[code] = (sign | 0x7f800000 | (m << (23 - mantissa))) >>> 0;
    if (special === "top" && e === top && m === 2 ** mantissa - 1) words[code] = (sign | QUIET_NAN) >>> 0;
    if (special === "minus-zero" && negative && e === 0 && m === 0) words[code] = QUIET_NAN;
  }
  return words;
}
