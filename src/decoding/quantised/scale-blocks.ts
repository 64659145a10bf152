import type { Decoder } from "../decoder.ts";

/** Numbers that each stand for a block of a matrix of `rows` x `cols` codes, `across` blocks from left to right. */
export interface Blocks {
  readonly numbers: Decoder;
  readonly across: number;
  /** Columns of a block, from the left; the last may be narrower. Not looked at with `columnOf`. */
  readonly cols: number;
  /** Row of blocks that a row of codes belongs to, never falling. */
  readonly rowOf: (row: number) => number;
  /** Column of blocks of each column of codes, where these are not neighbours. */
  readonly columnOf?: Uint32Array | undefined;
}

/** The blocks, counted row by row, of codes [first, first + count): whole rows of them, but for a single row of codes. */
export function blocksOf({ across, rowOf, cols: width, columnOf }: Blocks, cols: number, first: number, count: number) {
  const last = first + count - 1;
  const [a, b] = [Math.floor(first / cols), Math.floor(last / cols)];
  const start = rowOf(a) * across;
  if (a !== b) return { first: start, count: (rowOf(b) - rowOf(a) + 1) * across };
  if (columnOf !== undefined) return { first: start, count: across };
  const [low, high] = [Math.floor((first - a * cols) / width), Math.floor((last - a * cols) / width)];
  return { first: start + low, count: high - low + 1 };
}
