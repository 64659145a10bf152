import { type Keystream, keystream } from "../keystream.ts";

/** Which chip every block of a matrix belongs to: two bytes of keystream a block, in the order of rows and columns. */
export interface ChipMap {
  /** Chips of `target.length` blocks from the block `first` on. */
  fill(target: Uint16Array, first: number): void;
}

/** Chips are equally likely but for one part in 2^16 / chips, whatever the weights are. */
export function chipMap(mapKey: Uint8Array, address: string, chips: number): ChipMap {
  const stream: Keystream = keystream(mapKey, address);
  return {
    fill(target, first) {
      stream.fill(new Uint8Array(target.buffer, target.byteOffset, target.byteLength), 2 * first);
      for (let i = 0; i < target.length; i++) target[i] = (target[i]! * chips) >>> 16;
    },
  };
}
