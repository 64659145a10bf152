import type { DirectDtype } from "../../../kernels/coins.ts";
import type { DecoySource } from "../../evidence/decoys.ts";
import type { CarrierReading } from "../../message/carrier-reading.ts";
import { chipCount, type PayloadClass } from "../../message/payload-class.ts";
import { BINS, chipOfBin } from "./chip-map.ts";
import { addChipSums, type ChipSums, emptyChipSums } from "./chip-sums.ts";

/** Sums of a stretch of the model. */
export interface SpreadSums {
  /** Per bin of blocks, see `chipOfBin`. */
  readonly bins: ChipSums;
  /** The sums again, every block with a sign of its own: units for decoy keys. */
  readonly signed: Float64Array;
}

/** A matrix as it was read for marking. */
export interface ScaledMatrix {
  readonly layer: number;
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
  return { bins: emptyChipSums(BINS), signed: new Float64Array(BINS) };
}

/** Adds in place; in a fixed order for reproducible bits. */
export function addSpreadSums(to: SpreadSums, from: SpreadSums): void {
  addChipSums(to.bins, from.bins);
  for (let bin = 0; bin < BINS; bin++) to.signed[bin]! += from.signed[bin]!;
}

export function sumsOfClass({ bins }: SpreadSums, payloadClass: PayloadClass): ChipSums {
  const chips = emptyChipSums(chipCount(payloadClass));
  for (let bin = 0; bin < BINS; bin++) {
    const chip = chipOfBin(bin, chips.sums.length);
    chips.sums[chip]! += bins.sums[bin]!;
    chips.squares[chip]! += bins.squares[bin]!;
    chips.counts[chip]! += bins.counts[bin]!;
    chips.movable[chip]! += bins.movable[bin]!;
  }
  return chips;
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
export function spreadDecoys({ bins, signed }: SpreadUnits): DecoySource {
  return {
    carrier: "spread",
    unitValues: Float32Array.from(signed),
    unitEnergies: Float32Array.from(bins.squares),
  };
}
