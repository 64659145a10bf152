import { addressOf } from "../../../rows/addressed-matrix.ts";
import { keystream } from "../../key/keystream.ts";
import type { ModelKey } from "../../key/model-key.ts";
import { chipCount, type PayloadClass } from "../../message/payload-class.ts";
import type { OrientationBlock } from "./projections.ts";

/** Chip and sign of every generator of one block. */
export interface ChipsOfBlock {
  readonly chips: Uint16Array;
  /** s_g = +1 or -1: the coin of the generator, independent of its direction. */
  readonly coins: Int8Array;
}

const MAP_BYTES = 2;

/** Keyed chips, another map for every payload class, and keyed coins, the same for all. */
export function chipsOfBlock(
  { generators: { source, count } }: OrientationBlock,
  payloadClass: PayloadClass,
  key: ModelKey,
): ChipsOfBlock {
  const address = addressOf(source);
  const map = new Uint8Array(count * MAP_BYTES);
  keystream(key.layerSubkey(`orientation/map/${payloadClass.payloadBits}`, source.layer), address).fill(map, 0);
  const bits = new Uint8Array(Math.ceil(count / 8));
  keystream(key.layerSubkey("orientation/coins", source.layer), address).fill(bits, 0);
  const chips = new Uint16Array(count);
  const coins = new Int8Array(count);
  const total = chipCount(payloadClass);
  for (let g = 0; g < count; g++) {
    chips[g] = ((map[2 * g]! | (map[2 * g + 1]! << 8)) * total) >>> 16;
    coins[g] = (bits[g >> 3]! >> (g & 7)) & 1 ? -1 : 1;
  }
  return { chips, coins };
}
