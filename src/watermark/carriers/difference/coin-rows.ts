import { BLOCK_COLUMNS, blocksOf, coinBytesOf } from "../../../kernels/coins.ts";
import { type Keystream, keystream } from "../../key/keystream.ts";

/** Two bytes of keystream place a block among the chips. */
const PLACE_BYTES = 2;

/** Coins and places of the blocks of one matrix, row by row, from two keystreams. */
export interface CoinRows {
  /** Coins of `count` rows from `first` on, `coinBytesOf(cols)` bytes each. */
  coins(first: number, count: number): Uint8Array;
  /** Sixteen bits for every block of the same rows. */
  places(first: number, count: number): Uint16Array;
}

export function coinRows(coinKey: Uint8Array, mapKey: Uint8Array, address: string, cols: number): CoinRows {
  const coins = keystream(coinKey, address);
  const places = keystream(mapKey, address);
  const read = (stream: Keystream, width: number, first: number, count: number): Uint8Array => {
    const bytes = new Uint8Array(count * width);
    stream.fill(bytes, first * width);
    return bytes;
  };
  return {
    coins: (first, count) => read(coins, coinBytesOf(cols), first, count),
    places: (first, count) => {
      const bytes = read(places, PLACE_BYTES * blocksOf(cols), first, count);
      return Uint16Array.from({ length: bytes.length / 2 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
    },
  };
}

/** The chip of a block: chips differ in their share by less than chips / 65,536. */
export function chipOfPlace(place: number, chips: number): number {
  return Math.floor((place * chips) / 65_536);
}

/** count x cols: coin times the amplitude of the weight's chip. */
export function signedAmplitudes(
  source: CoinRows,
  amplitudes: Float64Array,
  cols: number,
  first: number,
  count: number,
): Float32Array {
  const width = coinBytesOf(cols);
  const blocks = blocksOf(cols);
  const coins = source.coins(first, count);
  const places = source.places(first, count);
  const out = new Float32Array(count * cols);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < cols; j++) {
      const amplitude =
        amplitudes[chipOfPlace(places[i * blocks + Math.floor(j / BLOCK_COLUMNS)]!, amplitudes.length)]!;
      const word = i * width + 16 * (j >> 7) + 2 * (j & 7);
      const negative = ((coins[word]! | (coins[word + 1]! << 8)) >> (15 - ((j & 127) >> 3))) & 1;
      out[i * cols + j] = negative === 1 ? -amplitude : amplitude;
    }
  }
  return out;
}
