import { decodeToF32 } from "../../kernels/decode.ts";
import type { Decoder } from "../decoder.ts";
import type { Stored } from "./numbers.ts";

/** Scales of which each is a byte that stands for an entry of a table, scaled block by block, with an offset added. */
export interface Nested {
  readonly codes: Stored;
  /** 256 entries, F32. */
  readonly map: Stored;
  /** Scales of the scales, F32, each for `size` of them. */
  readonly outer: Stored;
  readonly size: number;
  readonly offset: number;
}

/** Each step is rounded to f32, as the kernels of bitsandbytes do. */
export function nestedNumbers({ codes, map, outer, size, offset }: Nested): Decoder {
  const rounded = Math.fround(offset);
  return {
    unit: 1,
    ranges(first, count) {
      const [low, high] = [Math.floor(first / size), Math.floor((first + count - 1) / size)];
      return [
        { file: codes.file, start: codes.begin + first, end: codes.begin + first + count },
        { file: map.file, start: map.begin, end: map.end },
        { file: outer.file, start: outer.begin + low * 4, end: outer.begin + (high + 1) * 4 },
      ];
    },
    decode([bytes, table, scales], first, count, out) {
      const [values, outers] = [decodeToF32(table!, "F32"), decodeToF32(scales!, "F32")];
      const low = Math.floor(first / size);
      for (let i = 0, outer = low; i < count; outer++) {
        const scale = outers[outer - low]!;
        const end = Math.min(count, (outer + 1) * size - first);
        for (; i < end; i++) out[i] = Math.fround(values[bytes![i]!]! * scale) + rounded;
      }
    },
  };
}
