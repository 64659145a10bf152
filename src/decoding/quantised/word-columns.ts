import type { Block, Rectangle } from "./word-grid.ts";

/** Columns of words that are laid out together, and words of all of them at most. */
const STRIP = 64;
const MOST_STRIP = 1 << 20;

/** Words, and what rectangle of all that are stored they are. */
export interface PlacedWords {
  readonly block: Block;
  readonly place: Rectangle;
}

/**
 * What gives columns of words with those around them, some of which are laid out near one another: as they are stored, every
 * word of a column is on a page of memory of its own.
 */
export function wordColumns({ block, place }: PlacedWords): (column: number) => PlacedWords {
  const [deep, width] = [place.bottom - place.top + 1, place.right - place.left + 1];
  if (width <= STRIP || deep * STRIP > MOST_STRIP) return () => ({ block, place });
  const { words, stride } = block;
  let near: PlacedWords | null = null;
  let strip: Int32Array | null = null;
  return (column) => {
    const from = Math.floor((column - place.left) / STRIP) * STRIP;
    const left = place.left + from;
    if (near !== null && near.place.left === left) return near;
    strip ??= new Int32Array(deep * STRIP);
    const size = Math.min(STRIP, width - from);
    for (let i = 0; i < deep; i++) {
      strip.set(words.subarray(i * stride + from, i * stride + from + size), i * STRIP);
    }
    near = { block: { words: strip, stride: STRIP }, place: { ...place, left } };
    return near;
  };
}
