import type { DirectDtype } from "../../kernels/coins.ts";
import type { CarrierReading } from "../carrier-reading.ts";
import type { DecoySource } from "../decoys.ts";
import { chipCount, PAYLOAD_CLASSES, type PayloadClass } from "../payload-class.ts";
import { addChipSums, type ChipSums, emptyChipSums } from "./chip-sums.ts";

/** Units that blocks are added up to for decoy keys. */
export const UNITS = 4096;

/** Sums of a stretch of the model: for the chips of every payload class and for the units, each by a map of its own. */
export interface SpreadSums {
  /** In the order of PAYLOAD_CLASSES. */
  readonly classes: readonly ChipSums[];
  readonly units: ChipSums;
}

/** A matrix as it was read for marking. */
export interface ScaledMatrix {
  /** c_j, see `SpreadEdit`. */
  readonly scales: Float32Array;
  readonly weights: number;
  readonly dtype: DirectDtype;
}

/** All that one pass over a model tells of the spread carrier. Bounded, however large the model is. */
export interface SpreadUnits extends SpreadSums {
  /** Weights read. */
  readonly weights: number;
  /** By address; empty unless the model was read for marking. */
  readonly matrices: ReadonlyMap<string, ScaledMatrix>;
}

export function emptySpreadSums(): SpreadSums {
  return {
    classes: PAYLOAD_CLASSES.map((payloadClass) => emptyChipSums(chipCount(payloadClass))),
    units: emptyChipSums(UNITS),
  };
}

/** Adds in place; in a fixed order for reproducible bits. */
export function addSpreadSums(to: SpreadSums, from: SpreadSums): void {
  for (const [i, sums] of to.classes.entries()) addChipSums(sums, from.classes[i]!);
  addChipSums(to.units, from.units);
}

export function sumsOfClass(units: SpreadSums, { payloadBits }: PayloadClass): ChipSums {
  return units.classes[PAYLOAD_CLASSES.findIndex((other) => other.payloadBits === payloadBits)]!;
}

/** What the chips of a payload class say: normalised by the number of weights of the chip that are there. */
export function spreadReading(units: SpreadUnits, payloadClass: PayloadClass): CarrierReading {
  const { sums, squares, counts } = sumsOfClass(units, payloadClass);
  return {
    carrier: "spread",
    payloadClass,
    values: sums.map((sum, i) => (counts[i]! > 0 ? sum / Math.sqrt(counts[i]!) : 0)),
    energies: squares.map((square, i) => (counts[i]! > 0 ? square / counts[i]! : 0)),
  };
}

/** What decoy keys are tried on. */
export function spreadDecoys({ units }: SpreadUnits): DecoySource {
  return {
    carrier: "spread",
    unitValues: Float32Array.from(units.sums),
    unitEnergies: Float32Array.from(units.squares),
  };
}
