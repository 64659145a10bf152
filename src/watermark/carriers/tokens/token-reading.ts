import type { DecoySource } from "../../evidence/decoys.ts";
import type { CarrierReading } from "../../message/carrier-reading.ts";
import { chipCount, type PayloadClass } from "../../message/payload-class.ts";
import type { TokenUnits } from "./token-units.ts";

/** The chip of a unit from its 16 bits: chips differ in their share by less than chips / 65,536. */
export function chipOf(place: number, chips: number): number {
  return Math.floor((place * chips) / 65_536);
}

/** Units per chip. */
export function unitCounts({ places }: Pick<TokenUnits, "places">, chips: number): Float64Array {
  const counts = new Float64Array(chips);
  for (const place of places) counts[chipOf(place, chips)]! += 1;
  return counts;
}

/** Chip i: sum of coin * projection over its n_i units, over sqrt(n_i). One reading per addressing that was tried. */
export function tokenReading(units: TokenUnits, payloadClass: PayloadClass): CarrierReading {
  const chips = chipCount(payloadClass);
  const values = new Float64Array(chips);
  const energies = new Float64Array(chips);
  for (let i = 0; i < units.values.length; i++) {
    const chip = chipOf(units.places[i]!, chips);
    const value = units.values[i]!;
    values[chip]! += units.coins[i]! * value;
    energies[chip]! += value * value;
  }
  const counts = unitCounts(units, chips);
  for (let i = 0; i < chips; i++) {
    if (counts[i] === 0) continue;
    values[i]! /= Math.sqrt(counts[i]!);
    energies[i]! /= counts[i]!;
  }
  return { carrier: units.carrier, payloadClass, values, energies };
}

/** Every projection as a unit for decoy keys. */
export function tokenDecoys({ carrier, values, coins }: TokenUnits): DecoySource {
  return {
    carrier,
    unitValues: values.map((value, i) => coins[i]! * value),
    unitEnergies: values.map((value) => value * value),
  };
}
