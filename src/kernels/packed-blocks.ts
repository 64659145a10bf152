import { inTiles, tile } from "./tiles.ts";

/** Values of the largest block of packed codes that fits into a tile. */
export const MOST_BLOCK = 1 << 14;
const TABLE_ENTRIES = 16;

/** Numbers of which each belongs to a block of `size` neighbours. */
export interface BlockNumbers {
  readonly size: number;
  readonly scales: Float32Array;
  readonly zeros: Float32Array | null;
  readonly biases: Float32Array | null;
}

/**
 * (table[code] - zero) * scale + bias of codes of 4 bits, each step in f64 and rounded once in the end.
 *
 * @param bytes whole blocks of a multiple of 32 codes, at most `MOST_BLOCK`, two a byte
 */
export function decodeNibbles(
  bytes: Uint8Array,
  out: Float32Array,
  table: Float32Array,
  highFirst: boolean,
  { size, scales, zeros, biases }: BlockNumbers,
): void {
  const { numbers, numberCount } = tile();
  const most = Math.floor((numberCount - TABLE_ENTRIES) / 3);
  inTiles(bytes, out, { bytes: size / 2, elements: size, most }, ({ arena, exports }, from, to, blocks, first) => {
    const [scale, zero, bias] = [0, 1, 2].map((i) => numbers + 4 * (TABLE_ENTRIES + i * most));
    arena.f32(numbers, TABLE_ENTRIES).set(table);
    arena.f32(scale!, blocks).set(scales.subarray(first, first + blocks));
    const order = highFirst ? 1 : 0;
    if (zeros === null && biases === null) {
      exports.scaledNibbles(from, to, blocks, size, order, numbers, scale!);
      return;
    }
    const put = (values: Float32Array | null, at: number): number => {
      if (values === null) return 0;
      arena.f32(at, blocks).set(values.subarray(first, first + blocks));
      return at;
    };
    exports.affineNibbles(from, to, blocks, size, order, numbers, scale!, put(zeros, zero!), put(biases, bias!));
  });
}

/** The types of a byte that a kernel decodes and scales at once. */
export type ScaledFloat = "F8_E4M3" | "F8_E5M2";

/** Floats of a byte times scales. @param bytes whole blocks of a multiple of 8 codes, at most `MOST_BLOCK` */
export function decodeScaledFloats(
  bytes: Uint8Array,
  out: Float32Array,
  dtype: ScaledFloat,
  size: number,
  scales: Float32Array,
): void {
  const { numbers, numberCount } = tile();
  inTiles(
    bytes,
    out,
    { bytes: size, elements: size, most: numberCount },
    ({ arena, exports }, from, to, blocks, at) => {
      arena.f32(numbers, blocks).set(scales.subarray(at, at + blocks));
      const kernel = dtype === "F8_E4M3" ? exports.scaledE4M3 : exports.scaledE5M2;
      kernel(from, to, blocks, size, numbers);
    },
  );
}
