export { blake3Chunks, blake3Four, blake3Parents } from "./blake3";
export { transposeBits } from "./bits";
export { decodeBf16, decodeE4M3, decodeE5M2, decodeF16, decodeF64 } from "./decode";
export { multiplyTile } from "./matmul";
export { momentsBf16, momentsF16, momentsF32 } from "./moments";
export { columnSquares, rowSquares } from "./norms";
export { hammingRows } from "./popcount";
export { packNegative, packZero } from "./signs";

/** First byte the caller may use; below lie the kernels' own tables and scratch. */
export function heapBase(): usize { return __heap_base; }
