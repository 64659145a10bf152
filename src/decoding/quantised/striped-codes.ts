import type { Decoder } from "../decoder.ts";
import type { Stored } from "./numbers.ts";
import { wordsOf } from "./words.ts";

/**
 * Codes of which unit i (a byte or a word) holds elements i, i + units, i + 2 units ...: HQQ and quanto pack halves over one
 * another.
 */
export interface StripedCodes {
  readonly tensor: Stored;
  /** Units of the whole tensor. */
  readonly units: number;
  readonly unitBytes: 1 | 4;
  /** Where in a unit the code of stripe k lies, from the lowest bit. */
  readonly shifts: readonly number[];
  readonly bits: number;
}

export function stripedCodes({ tensor, units, unitBytes, shifts, bits }: StripedCodes): Decoder {
  const { file, begin } = tensor;
  /** Units [from, from + n) of stripe k hold elements from k units + from on. */
  function* stripesOf(
    first: number,
    count: number,
  ): Generator<{ readonly k: number; readonly from: number; readonly n: number }> {
    for (let at = first; at < first + count; ) {
      const k = Math.floor(at / units);
      const from = at - k * units;
      const n = Math.min(units - from, first + count - at);
      yield { k, from, n };
      at += n;
    }
  }
  return {
    unit: 1,
    ranges: (first, count) =>
      [...stripesOf(first, count)].map(({ from, n }) => ({
        file,
        start: begin + from * unitBytes,
        end: begin + (from + n) * unitBytes,
      })),
    decode(stored, first, count, out) {
      const mask = (1 << bits) - 1;
      let at = 0;
      let range = 0;
      for (const { k, n } of stripesOf(first, count)) {
        const bytes = stored[range++]!;
        const from = unitBytes === 1 ? bytes : wordsOf(bytes);
        const shift = shifts[k]!;
        for (let i = 0; i < n; i++) out[at + i] = (from[i]! >>> shift) & mask;
        at += n;
      }
    },
  };
}
