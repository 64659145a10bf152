import type { BlockRounder } from "./block-rounder.ts";
import { K_ROUNDERS } from "./round-k-blocks.ts";
import { SMALL_ROUNDERS } from "./round-small-blocks.ts";

const ROUNDERS: ReadonlyMap<string, BlockRounder> = new Map(Object.entries({ ...SMALL_ROUNDERS, ...K_ROUNDERS }));

/** How ggml rounds values to a type of blocks; null where that is not known, or is done with more than the values. */
export function blockRounder(type: string): BlockRounder | null {
  return ROUNDERS.get(type) ?? null;
}
