/** The kernels on packed bits: bit j of a row is bit j & 31 of its word j >> 5. */
export { CODE_BYTES, laneCount, laneWords, type NearestVisitor, nearestCodes } from "./code-scan.ts";
export { hamming, hammingMatrix, popcount32 } from "./hamming.ts";
export { centredGram } from "./sign-gram.ts";
export { packSigns, packZeros } from "./signs.ts";
export { transposeBits } from "./transpose.ts";
