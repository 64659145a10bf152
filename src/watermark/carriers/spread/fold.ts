import { BLOCK_COLUMNS } from "../../../kernels/coins.ts";
import { type BlockSums, blockWidth } from "./block-sums.ts";
import { binOf, chipOf } from "./chip-map.ts";
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

/**
 * Adds blocks to bins, from which the chips of all classes follow, and once more with a sign of their own from a bit of the
 * draw: what decoy keys are tried on. They tell apart blocks that the key marks alike, else every bin of a marked model
 * would hold the same share of the mark.
 */
export function addToBins(
  bins: ChipSums,
  signed: Float64Array,
  { sums, squares, blocks }: BlockSums,
  draws: Uint16Array,
  cols: number,
  movable: Uint32Array | null,
): void {
  const last = blockWidth(cols, blocks - 1);
  for (let b = 0, inRow = 1; b < draws.length; b++, inRow++) {
    const draw = draws[b]!;
    const bin = binOf(draw);
    const sum = sums[b]!;
    bins.sums[bin]! += sum;
    signed[bin]! += (draw & 1) === 0 ? sum : -sum;
    bins.squares[bin]! += squares[b]!;
    bins.counts[bin]! += inRow < blocks ? BLOCK_COLUMNS : last;
    if (inRow === blocks) inRow = 0;
  }
  if (movable !== null) for (let b = 0; b < draws.length; b++) bins.movable[binOf(draws[b]!)]! += movable[b]!;
}
