import { type Keystream, keystream } from "../keystream.ts";

/** Draws of the blocks of a matrix, two bytes of keystream each in the order of rows and columns: which chip a block belongs to. */
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

/** Chips are equally likely but for one part in 2^16 / chips, whatever the weights are; all classes share the draw. */
export function chipOf(draw: number, chips: number): number {
  return (draw * chips) >>> 16;
}
