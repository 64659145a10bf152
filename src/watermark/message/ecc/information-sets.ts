import type { PolarCode } from "./polar-code.ts";

/**
 * The code of every payload class: payload and CRC-16 in 128, 256 and 512 chips. Positions are a bit mask in hex, most
 * significant bit first. They are the most reliable bit channels at a chip mean of .9 standard deviations by the Gaussian
 * approximation of density evolution (Trifonov 2012; Tal and Vardy 2013 for the exact method): near the middle of where
 * these codes begin to fail, and the frame error rate does not tell design points of .7 to 1.1 apart. Part of the mark's
 * format, hence a table and no computation: a different engine's last digit must not move a position. A test recomputes it.
 */
export const INFORMATION_SETS: ReadonlyMap<number, PolarCode> = new Map([
  [32, fromMask("000000010001013f0003077f177fffff")],
  [64, fromMask("0000000000000001000000010001077f000000030017177f01173fff7fffffff")],
  [
    128,
    fromMask(
      "00000000000000000000000000000001000000000000000100000007001717ff" +
        "000000000000001700000117013f7fff0001017f077f7fff177f7fffffffffff",
    ),
  ],
]);

function fromMask(hex: string): PolarCode {
  const length = 4 * hex.length;
  const bits = Array.from({ length }, (_, i) => (Number.parseInt(hex[i >> 2]!, 16) >> (3 - (i & 3))) & 1);
  return { length, information: Uint16Array.from(bits.flatMap((bit, i) => (bit === 1 ? [i] : []))) };
}
