import type { Decoder, StoredRange } from "../decoder.ts";
import { numbersOf } from "./numbers.ts";

/** Numbers, each divided by one and the same: given, or stored as the first number of `by`. */
export function rescaled(numbers: Decoder, by: number | Decoder, how: "divided" | "times" = "divided"): Decoder {
  const divisor = (stored: readonly Uint8Array[]): number =>
    typeof by === "number" ? by : numbersOf(by, stored, 0, 1)[0]!;
  const own = (): readonly StoredRange[] => (typeof by === "number" ? [] : by.ranges(0, 1));
  return {
    unit: 1,
    ranges: (first, count) => [...own(), ...numbers.ranges(first, count)],
    decode(stored, first, count, out) {
      const { length } = own();
      numbers.decode(stored.slice(length), first, count, out);
      const factor = divisor(stored.slice(0, length));
      if (how === "divided") for (let i = 0; i < count; i++) out[i] = out[i]! / factor;
      else for (let i = 0; i < count; i++) out[i] = out[i]! * factor;
    },
  };
}
