import { toBrain, toHalf } from "../../decoding/narrow-floats.ts";

/** What happened to values before they were rounded to levels. */
export type Way = "as they are" | "through f16" | "through bf16" | "divided in bf16" | "divided in f16" | "own scale";

/** A scale that was rounded itself is off by less than this; by more it is no scale of these values. */
const MOST_OFF = 0.1;

/** The ways that may have been taken, likeliest first. */
export function waysOf(of: number | Float32Array, isGgml: boolean): readonly Way[] {
  const plain: readonly Way[] = ["as they are", "through f16", "through bf16"];
  if (isGgml) return plain;
  // Of these tables the scale is the largest value of a block, and may be stored in a few bits.
  if (typeof of !== "number" && of.at(-1) === 1) return ["own scale", ...plain];
  return [...plain, "divided in bf16", "divided in f16"];
}

/**
 * Values as they were right before they were rounded.
 *
 * @param step scale or distance of levels of each value
 * @param size values of a block
 */
export function changedOriginals(values: Float32Array, way: Way, step: Float32Array, size: number): Float32Array {
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
    case "own scale":
      return inOwnScale(values, step, size);
  }
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
