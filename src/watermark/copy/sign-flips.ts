import { WeightmarkError } from "../../errors.ts";
import { DTYPE_BITS, type Dtype } from "../../formats/tensor-info.ts";

/** Types whose topmost bit is the sign and nothing else: FNUZ types make a NaN of negative zero. */
const SIGNED_FLOATS: ReadonlySet<Dtype> = new Set<Dtype>(["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"]);

/** Rows of a matrix in memory: element (i, j) is element offsets[i] + j * colStride. */
export interface SignedRows {
  readonly offsets: Float64Array;
  readonly colStride: number;
  readonly cols: number;
  readonly rowSigns: Int8Array | null;
  readonly colSigns: Int8Array | null;
}

export function hasSignBit(dtype: Dtype): boolean {
  return SIGNED_FLOATS.has(dtype);
}

/** Turns the sign bit of every element (i, j) with rowSigns[i] * colSigns[j] = -1: exact, and its own inverse. */
export function flipSigns(bytes: Uint8Array, dtype: Dtype, rows: SignedRows): void {
  const { offsets, colStride, cols, rowSigns, colSigns } = rows;
  if (rowSigns === null && colSigns === null) return;
  const { words, perElement, top, signBit } = signWords(bytes, dtype);
  const along = new Int32Array(cols);
  const against = new Int32Array(cols);
  for (let j = 0; j < cols; j++) {
    const turned = colSigns !== null && colSigns[j]! < 0;
    along[j] = turned ? signBit : 0;
    against[j] = turned ? 0 : signBit;
  }
  const step = colStride * perElement;
  for (let i = 0; i < offsets.length; i++) {
    const turned = rowSigns !== null && rowSigns[i]! < 0;
    if (!turned && colSigns === null) continue;
    const masks = turned ? against : along;
    for (let j = 0, at = offsets[i]! * perElement + top; j < cols; j++, at += step) words[at]! ^= masks[j]!;
  }
}

/** Turns the sign bit of element i where signs[i] is -1. */
export function flipVector(bytes: Uint8Array, dtype: Dtype, signs: Int8Array): void {
  flipSigns(bytes, dtype, {
    offsets: new Float64Array(1),
    colStride: 1,
    cols: signs.length,
    rowSigns: null,
    colSigns: signs,
  });
}

/** The bytes as words of which one, the `top` of an element's, holds the sign. Data are little-endian. */
function signWords(bytes: Uint8Array, dtype: Dtype) {
  if (!hasSignBit(dtype)) throw new WeightmarkError("DTYPE_UNSUPPORTED", `${dtype} elements have no sign bit`);
  const { buffer, byteOffset, length } = bytes;
  switch (DTYPE_BITS[dtype]) {
    case 8:
      return { words: bytes, perElement: 1, top: 0, signBit: 0x80 };
    case 16:
      return { words: new Uint16Array(buffer, byteOffset, length / 2), perElement: 1, top: 0, signBit: 0x8000 };
    default: {
      const words = new Uint32Array(buffer, byteOffset, length / 4);
      const perElement = DTYPE_BITS[dtype] / 32;
      return { words, perElement, top: perElement - 1, signBit: 0x80000000 };
    }
  }
}
