export { blake3Chunks, blake3Four, blake3Parents } from "./blake3";
export { transposeBits } from "./bits";
export { nearestFolded } from "./codes";
export { correlateBf16, correlateF16, correlateF32 } from "./correlate";
export { decodeBf16, decodeF16, decodeF64 } from "./decode";
export { ditherAddBf16, ditherAddF16, ditherAddF32, movableBf16, movableF16, movableF32, spreadBf16, spreadF16, spreadF32 } from "./dither";
export { reflectRows, rotateRows, weightedRows } from "./eigen";
export { decodeQ2_K, decodeQ3_K, decodeQ4_K, decodeQ5_K, decodeQ6_K } from "./k-blocks";
export { multiplyTile } from "./matmul";
export { momentsBf16, momentsF16, momentsF32 } from "./moments";
export { meetNearest, tallyFours } from "./nearest";
export { columnSquares, rowSquares } from "./norms";
export { affineNibbles, scaledNibbles } from "./packed";
export { decodeE4M3, decodeE5M2, scaledE4M3, scaledE5M2 } from "./packed-floats";
export { hammingRows } from "./popcount";
export { relabel } from "./relabel";
export { packNegative, packZero } from "./signs";
export { decodeIQ4_NL, decodeIQ4_XS, decodeQ4_0, decodeQ4_1, decodeQ5_0, decodeQ5_1, decodeQ8_0 } from "./small-blocks";
export { balance, scaledSquares } from "./sinkhorn";
export { awqEights, gptqFours, readyUpright } from "./upright";

/** First byte the caller may use; below lie the kernels' own tables and scratch. */
export function heapBase(): usize { return __heap_base; }
