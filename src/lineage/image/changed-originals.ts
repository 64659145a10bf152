import { toBrain, toHalf } from "../../decoding/narrow-floats.ts";
import type { Piece } from "./rounded-piece.ts";

/** What happened to values before they were rounded to levels. */
export type Way =
  | "as they are"
  | "through f16"
  | "through bf16"
  | "divided in bf16"
  | "divided in f16"
  | "shifted in bf16"
  | "shifted in f16"
  | "own scale";

/** A scale that was rounded itself is off by less than this; by more it is no scale of these values. */
const MOST_OFF = 0.1;

/** The ways that may have been taken, likeliest first. */
export function waysOf(of: number | Float32Array, isGgml: boolean): readonly Way[] {
  const plain: readonly Way[] = ["as they are", "through f16", "through bf16"];
  if (isGgml) return plain;
  // Of these tables the scale is the largest value of a block, and may be stored in a few bits.
  if (typeof of !== "number" && of.at(-1) === 1) return ["own scale", ...plain];
  return [...plain, "divided in bf16", "divided in f16", "shifted in bf16", "shifted in f16"];
}

/**
 * The originals of a piece as they were right before they were rounded.
 *
 * @param size values of a block
 */
export function changedOriginals(piece: Piece, way: Way, size: number): Float32Array {
  const { original: values, step } = piece;
  switch (way) {
    case "as they are":
      return values;
    case "through f16":
      return values.map(toHalf);
    case "through bf16":
      return values.map(toBrain);
    case "divided in bf16":
      return values.map((value, i) => toBrain(Math.fround(value / step[i]!)) * step[i]!);
    case "divided in f16":
      return values.map((value, i) => toHalf(Math.fround(value / step[i]!)) * step[i]!);
    case "shifted in bf16":
      return shifted(piece, toBrain);
    case "shifted in f16":
      return shifted(piece, toHalf);
    case "own scale":
      return inOwnScale(values, step, size);
  }
}

/** Divided and moved by the zero point in few bits, codes counted from minus half of their number. */
function shifted({ original, step, low, of }: Piece, narrow: (value: number) => number): Float32Array {
  if (low === null || typeof of !== "number") return original;
  return original.map((value, i) => {
    const zero = -Math.round(low[i]! / step[i]!) - of / 2;
    return (narrow(narrow(Math.fround(value / step[i]!)) + zero) - zero) * step[i]!;
  });
}

function inOwnScale(values: Float32Array, step: Float32Array, size: number): Float32Array {
  const out = values.slice();
  for (let at = 0; at < values.length; at += size) {
    const end = Math.min(values.length, at + size);
    let largest = 0;
    for (let i = at; i < end; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const factor = step[at]! / largest;
    if (!(Math.abs(factor - 1) <= MOST_OFF)) continue;
    for (let i = at; i < end; i++) out[i] = values[i]! * factor;
  }
  return out;
}
