import type { BlockDecoder } from "./block-decoder.ts";
import { CODEBOOK_BLOCKS } from "./codebook-blocks.ts";
import { FP4_BLOCKS } from "./fp4-blocks.ts";
import { KERNEL_BLOCKS } from "./kernel-blocks.ts";
import { PLAIN_VALUES } from "./plain-values.ts";
import { TERNARY_BLOCKS } from "./ternary-blocks.ts";

const DECODERS: ReadonlyMap<string, BlockDecoder> = new Map(
  Object.entries({ ...PLAIN_VALUES, ...KERNEL_BLOCKS, ...FP4_BLOCKS, ...TERNARY_BLOCKS, ...CODEBOOK_BLOCKS }),
);

/** Fields of a block that are swapped where it was written on a machine of the other byte order; all others are bytes. */
const WORDS: ReadonlyMap<string, readonly (readonly [at: number, bytes: number])[]> = new Map([
  ["F32", [[0, 4]]],
  ["F16", [[0, 2]]],
  ["BF16", [[0, 2]]],
  ["F64", [[0, 8]]],
  ["Q4_0", [[0, 2]]],
  ["Q8_0", [[0, 2]]],
  [
    "Q4_K",
    [
      [0, 2],
      [2, 2],
    ],
  ],
  ["Q6_K", [[208, 2]]],
  ["MXFP4", []],
  ["NVFP4", []],
]);

/**
 * How blocks of a type of ggml are decoded; null where that is not known. Of big-endian files it is known for the types that
 * llama.cpp converts between byte orders.
 *
 * @param bytes of a block
 */
export function blockDecoder(type: string, bytes: number, littleEndian: boolean): BlockDecoder | null {
  const decode = DECODERS.get(type) ?? null;
  if (decode === null || littleEndian) return decode;
  const words = WORDS.get(type);
  if (words === undefined) return null;
  return (stored, out) => {
    const turned = stored.slice();
    for (let block = 0; block < turned.length; block += bytes) {
      for (const [at, width] of words) turned.subarray(block + at, block + at + width).reverse();
    }
    decode(turned, out);
  };
}
