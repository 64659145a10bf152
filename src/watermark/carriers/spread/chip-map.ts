import { type Keystream, keystream } from "../../key/keystream.ts";

/**
 * Draws of the blocks of a matrix, two bytes of keystream each in the order of rows and columns: which chip a block belongs to.
 */
export interface BlockDraws {
  /** Draws of rows [first, first + count) of `blocks` blocks each; valid until the next call. */
  rows(first: number, count: number, blocks: number): Uint16Array;
}

export function blockDraws(mapKey: Uint8Array, address: string): BlockDraws {
  const stream: Keystream = keystream(mapKey, address);
  let buffer = new Uint16Array(0);
  return {
    rows(first, count, blocks) {
      if (buffer.length < count * blocks) buffer = new Uint16Array(count * blocks);
      const draws = buffer.subarray(0, count * blocks);
      stream.fill(new Uint8Array(draws.buffer, 0, draws.byteLength), 2 * first * blocks);
      return draws;
    },
  };
}

/** Blocks are told apart by the upper 13 bits of their draws; the chips of every payload class are made of whole bins. */
export const BINS = 8192;

export function binOf(draw: number): number {
  return draw >>> 3;
}

/** Chips have as many bins as others, or one more: of 683 chips 11 or 12 each, whatever the weights are. */
export function chipOfBin(bin: number, chips: number): number {
  return (bin * chips) >>> 13;
}

export function chipOf(draw: number, chips: number): number {
  return chipOfBin(binOf(draw), chips);
}
