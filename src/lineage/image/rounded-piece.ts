import type { BlockRounder } from "../../decoding/ggml/block-rounder.ts";

/** Neighbouring values of a tensor that was rounded, and what stands in their place in the other model. */
export interface Piece {
  readonly image: Float32Array;
  readonly original: Float32Array;
  /** Distances of the levels, and the lowest ones, of each value; see `Levels`. */
  readonly step: Float32Array;
  readonly low: Float32Array | null;
  readonly of: number | Float32Array;
}

/** What was found of the blocks of a piece. */
export interface PieceCount {
  /** Blocks that could have turned out otherwise, of all. */
  blocks: number;
  /** Of these, where every value is the level nearest to the original's. */
  nearest: number;
  /** Blocks that were rounded anew, scales and all, and of these those that are equal to the bit. */
  rounded: number;
  equal: number;
  /** Largest distance of an original from its image in half steps, and values within one, of those counted. */
  halfSteps: number;
  within: number;
  values: number;
}

export function noCount(): PieceCount {
  return { blocks: 0, nearest: 0, rounded: 0, equal: 0, halfSteps: 0, within: 0, values: 0 };
}

/** Neighbours of a block that must differ: blocks of one value, or of one large value among zeros, are alike in many models. */
const MIN_CHANGES = 8;
/** Half steps that are told at most: of a scale that is next to nothing they have no end. */
const MOST = 1e6;
/** Beyond a half step, values that arithmetic in other orders puts there. */
const TIE = 1e-3;

/** Counts the blocks of a piece, of `size` values each. */
export function countBlocks(piece: Piece, size: number, rounder: BlockRounder | null, to: PieceCount): void {
  const { image, original } = piece;
  const again = rounder === null ? null : roundedAnew(original, size, rounder);
  for (let at = 0; at + size <= image.length; at += size) {
    if (!isTelling(piece, at, size)) continue;
    to.blocks++;
    if (countValues(piece, at, size, to)) to.nearest++;
    if (again === null) continue;
    to.rounded++;
    let isEqual = true;
    for (let i = at; i < at + size && isEqual; i++) isEqual = again[i] === image[i];
    if (isEqual) to.equal++;
  }
}

/**
 * Whether neighbours differ in both, in the image by their codes: what a file scales to nothing, or so coarsely that one
 * code is left, is near to anything. Blocks with what is not finite are passed over.
 */
function isTelling(piece: Piece, at: number, size: number): boolean {
  const { image, original } = piece;
  let [changes, differences, code] = [0, 0, codeOf(piece, at)];
  let sum = original[at]! + image[at]!;
  for (let i = at + 1; i < at + size; i++) {
    const next = codeOf(piece, i);
    if (original[i] !== original[i - 1]) changes++;
    if (next !== code) differences++;
    code = next;
    sum += original[i]! + image[i]!;
  }
  return changes >= MIN_CHANGES && differences >= MIN_CHANGES && Number.isFinite(sum);
}

/** A number for the level of a value; one for all where there is no scale. */
function codeOf({ image, step, low }: Piece, i: number): number {
  const scale = step[i]!;
  if (!(Math.abs(scale) > 0)) return 0;
  // Numbers of a table lie further apart than this.
  return low === null ? Math.round((FINE * image[i]!) / scale) : Math.round((image[i]! - low[i]!) / scale);
}

const FINE = 1e4;

function roundedAnew(original: Float32Array, size: number, rounder: BlockRounder): Float32Array {
  const whole = original.length - (original.length % size);
  const values = original.map((value) => (Number.isFinite(value) ? value : 0)).subarray(0, whole);
  const out = new Float32Array(whole);
  rounder(values, out);
  return out;
}

/** Whether all values of a block are the levels nearest to the originals. */
function countValues({ image, original, step, low, of }: Piece, at: number, size: number, to: PieceCount): boolean {
  let isNearest = true;
  for (let i = at; i < at + size; i++) {
    const distance = step[i]!;
    // A part of a block may have a scale of zero: all its values are one level, whatever they were.
    if (distance === 0) continue;
    const off =
      typeof of === "number"
        ? evenly(image[i]!, original[i]!, distance, low![i]!, of)
        : inTable(image[i]!, original[i]!, distance, of);
    to.values++;
    to.halfSteps = Math.max(to.halfSteps, Math.min(MOST, off) || 0);
    if (off <= 1 + TIE) to.within++;
    else isNearest = false;
  }
  return isNearest;
}

/** Distance in half steps of evenly spaced levels; beyond the last one, of what it was cut off to. */
function evenly(image: number, original: number, step: number, low: number, count: number): number {
  const top = low + (count - 1) * step;
  const [least, most] = step > 0 ? [low, top] : [top, low];
  const cut = Math.max(least, Math.min(most, original));
  return (2 * Math.abs(cut - image)) / Math.abs(step);
}

/** The same of a table: half steps are half of the distance to the neighbour on the original's side. */
function inTable(image: number, original: number, scale: number, table: Float32Array): number {
  const [code, wanted] = [image / scale, original / scale];
  let low = 0;
  let high = table.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (table[middle]! < code - Math.abs(code) * 1e-5) low = middle + 1;
    else high = middle;
  }
  const neighbour = wanted >= code ? table[low + 1] : table[low - 1];
  // Beyond the last level there is nothing nearer.
  return neighbour === undefined ? 0 : (2 * Math.abs(wanted - code)) / Math.abs(neighbour - table[low]!);
}
