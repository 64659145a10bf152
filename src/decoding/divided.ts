import { decodeToF32 } from "../kernels/decode.ts";
import type { Decoder } from "./decoder.ts";

/** Whole numbers that a scale was multiplied into before they were rounded. */
export interface Divided {
  /** Index into the files of the decoded source. */
  readonly file: number;
  /** Where the first of them begins. */
  readonly start: number;
  readonly type: "I8" | "I16";
  /** Where the F32 scale of the first row begins, or one number for all. */
  readonly scale: { readonly start: number } | number;
  /** Elements of a row. Not looked at where all have one scale. */
  readonly row: number;
}

const F32_BYTES = 4;

/** The values code / scale, as CTranslate2 stores weights: a scale for each row, or one for all. */
export function dividedDecoder({ file, start, type, scale, row }: Divided): Decoder {
  const width = type === "I8" ? 1 : 2;
  return {
    unit: 1,
    ranges(first, count) {
      const codes = { file, start: start + first * width, end: start + (first + count) * width };
      if (typeof scale === "number") return [codes];
      const [from, to] = [Math.floor(first / row), Math.ceil((first + count) / row)];
      return [codes, { file, start: scale.start + from * F32_BYTES, end: scale.start + to * F32_BYTES }];
    },
    decode([codes, scales], first, count, out) {
      decodeToF32(codes!, type, out.subarray(0, count));
      if (typeof scale === "number") {
        for (let i = 0; i < count; i++) out[i] = out[i]! / scale;
        return;
      }
      const view = new DataView(scales!.buffer, scales!.byteOffset, scales!.byteLength);
      const before = Math.floor(first / row);
      for (let i = 0; i < count; i++) {
        const own = Math.floor((first + i) / row) - before;
        out[i] = out[i]! / view.getFloat32(own * F32_BYTES, true);
      }
    },
  };
}
