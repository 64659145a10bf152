import { BLOCK_COLUMNS } from "../../kernels/coins.ts";
import { type BlockSums, blockWidth } from "./block-sums.ts";
import { chipOf } from "./chip-map.ts";
import type { ChipSums } from "./chip-sums.ts";

/**
 * Adds blocks to the chips that their draws give them. `movable` per block, or null where nothing is to be marked.
 */
export function addToChips(
  to: ChipSums,
  { sums, squares, blocks }: BlockSums,
  draws: Uint16Array,
  cols: number,
  movable: Uint32Array | null,
): void {
  const chips = to.sums.length;
  const last = blockWidth(cols, blocks - 1);
  for (let b = 0, inRow = 1; b < draws.length; b++, inRow++) {
    const chip = chipOf(draws[b]!, chips);
    to.sums[chip]! += sums[b]!;
    to.squares[chip]! += squares[b]!;
    to.counts[chip]! += inRow < blocks ? BLOCK_COLUMNS : last;
    if (inRow === blocks) inRow = 0;
  }
  if (movable !== null) for (let b = 0; b < draws.length; b++) to.movable[chipOf(draws[b]!, chips)]! += movable[b]!;
}

/** What decoy keys are tried on: sums and squares of many blocks each. */
export interface UnitSums {
  readonly sums: Float64Array;
  readonly squares: Float64Array;
}

/**
 * Adds blocks to units, by the low bits of their draws, with a sign of their own from the bit above: a decoy key tells
 * apart blocks that the key marks alike, else every unit of a marked model would hold the same share of the mark.
 */
export function addToUnits(to: UnitSums, { sums, squares }: BlockSums, draws: Uint16Array): void {
  const units = to.sums.length;
  for (let b = 0; b < draws.length; b++) {
    const unit = draws[b]! & (units - 1);
    to.sums[unit]! += (draws[b]! & units) === 0 ? sums[b]! : -sums[b]!;
    to.squares[unit]! += squares[b]!;
  }
}
