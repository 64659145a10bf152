import { type BlockSize, inTiles } from "../../kernels/tiles.ts";
import type { BlockDecoder } from "./block-decoder.ts";

const SMALL = 32;
const LARGE = 256;

/** Bytes and values of a block of the types that kernels decode, each by the kernel of its name. */
const SIZES = {
  Q4_0: { bytes: 18, elements: SMALL },
  Q4_1: { bytes: 20, elements: SMALL },
  Q5_0: { bytes: 22, elements: SMALL },
  Q5_1: { bytes: 24, elements: SMALL },
  Q8_0: { bytes: 34, elements: SMALL },
  IQ4_NL: { bytes: 18, elements: SMALL },
  IQ4_XS: { bytes: 136, elements: LARGE },
  Q2_K: { bytes: 84, elements: LARGE },
  Q3_K: { bytes: 110, elements: LARGE },
  Q4_K: { bytes: 144, elements: LARGE },
  Q5_K: { bytes: 176, elements: LARGE },
  Q6_K: { bytes: 210, elements: LARGE },
} as const satisfies Readonly<Record<string, BlockSize>>;

/** Blocks that have a kernel. */
export const KERNEL_BLOCKS: Readonly<Record<string, BlockDecoder>> = Object.fromEntries(
  Object.entries(SIZES).map(([type, size]) => [type, blocksBy(type as keyof typeof SIZES, size)]),
);

function blocksBy(type: keyof typeof SIZES, size: BlockSize): BlockDecoder {
  return (stored, out) =>
    inTiles(stored, out, size, ({ exports }, from, to, blocks) => exports[`decode${type}`](from, to, blocks));
}
