import type { DecoySource } from "../../evidence/decoys.ts";
import type { CarrierReading } from "../../message/carrier-reading.ts";
import { chipCount, PAYLOAD_CLASSES, type PayloadClass } from "../../message/payload-class.ts";
import { chipOfPlace } from "./coin-rows.ts";

export type PartName = "difference" | "subspace";

/** What the blocks of one half of the mark add up to, per class; nothing is kept per block. */
export interface PartSums {
  readonly carrier: PartName;
  readonly classes: readonly ClassSums[];
  /** The blocks by running number modulo their count: units for decoy keys. */
  readonly bins: { readonly values: Float64Array; readonly squares: Float64Array };
}

export interface ClassSums {
  readonly payloadClass: PayloadClass;
  readonly values: Float64Array;
  readonly squares: Float64Array;
  /** Weights per chip. */
  readonly counts: Float64Array;
}

const BINS = 1 << 14;

export function emptyPart(carrier: PartName): PartSums {
  return {
    carrier,
    classes: PAYLOAD_CLASSES.map((payloadClass) => {
      const chips = chipCount(payloadClass);
      const [values, squares, counts] = [new Float64Array(chips), new Float64Array(chips), new Float64Array(chips)];
      return { payloadClass, values, squares, counts };
    }),
    bins: { values: new Float64Array(BINS), squares: new Float64Array(BINS) },
  };
}

/** Adds one block of `count` weights; `place` are its 16 bits, `block` its number in the model. */
export function addBlock(
  part: PartSums,
  place: number,
  block: number,
  value: number,
  square: number,
  count: number,
): void {
  for (const { values, squares, counts } of part.classes) {
    const chip = chipOfPlace(place, values.length);
    values[chip]! += value;
    squares[chip]! += square;
    counts[chip]! += count;
  }
  part.bins.values[block % BINS]! += value;
  part.bins.squares[block % BINS]! += square;
}

export function classSums(part: PartSums, { payloadBits }: PayloadClass): ClassSums {
  return part.classes.find(({ payloadClass }) => payloadClass.payloadBits === payloadBits)!;
}

export function partReading(part: PartSums, payloadClass: PayloadClass): CarrierReading {
  const { values, squares, counts } = classSums(part, payloadClass);
  return {
    carrier: part.carrier,
    payloadClass,
    values: values.map((value, i) => (counts[i]! > 0 ? value / Math.sqrt(counts[i]!) : 0)),
    energies: squares.map((square, i) => (counts[i]! > 0 ? square / counts[i]! : 0)),
  };
}

export function partDecoys({ carrier, bins }: PartSums): DecoySource {
  return {
    carrier,
    unitValues: Float32Array.from(bins.values),
    unitEnergies: Float32Array.from(bins.squares),
  };
}
