import type { Dtype } from "../formats/tensor-info.ts";

/** The FNUZ types: no infinities, and the code of -0 is NaN. The top exponent has ordinary numbers. */
interface FnuzLayout {
  readonly mantissa: number;
  readonly bias: number;
}

const LAYOUTS = new Map<Dtype, FnuzLayout>([
  ["F8_E4M3FNUZ", { mantissa: 3, bias: 8 }],
  ["F8_E5M2FNUZ", { mantissa: 2, bias: 16 }],
]);

const CODES = 256;
const QUIET_NAN = 0x7fc00000;
const tables = new Map<Dtype, Uint32Array>();

/** The f32 bits of every code of an f8 type that no kernel decodes, indexed by code: 256 words. Null for all other types. */
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
  const values = Float32Array.from({ length: CODES }, (_, code) => 2 ** (code - 127));
  const table = new Uint32Array(values.buffer);
  table[CODES - 1] = QUIET_NAN;
  return table;
}

function tabulate({ mantissa, bias }: FnuzLayout): Uint32Array {
  const half = CODES / 2;
  const values = Float32Array.from({ length: CODES }, (_, code) => {
    const e = (code % half) >> mantissa;
    const m = code & (2 ** mantissa - 1);
    const size = e === 0 ? m * 2 ** (1 - bias - mantissa) : (2 ** mantissa + m) * 2 ** (e - bias - mantissa);
    return code < half ? size : -size;
  });
  const table = new Uint32Array(values.buffer);
  table[half] = QUIET_NAN;
  return table;
}
