/** What the weights of every chip add up to, in units of the Sinkhorn form A; sums over stretches may be added. */
export interface ChipSums {
  /** Sum of coin * A. */
  readonly sums: Float64Array;
  /** Sum of A^2. */
  readonly squares: Float64Array;
  /** Number of weights. */
  readonly counts: Float64Array;
  /** Number of weights that marking could move: normal numbers of a type that is marked in place. */
  readonly movable: Float64Array;
}

export function emptyChipSums(chips: number): ChipSums {
  const zeros = (): Float64Array => new Float64Array(chips);
  return { sums: zeros(), squares: zeros(), counts: zeros(), movable: zeros() };
}

/** Adds `from` to `to`. Addition of f64 is not associative: add in a fixed order for reproducible bits. */
export function addChipSums(to: ChipSums, from: ChipSums): void {
  for (let i = 0; i < to.sums.length; i++) {
    to.sums[i]! += from.sums[i]!;
    to.squares[i]! += from.squares[i]!;
    to.counts[i]! += from.counts[i]!;
    to.movable[i]! += from.movable[i]!;
  }
}
