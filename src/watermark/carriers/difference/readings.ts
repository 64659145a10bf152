import type { DecoySource } from "../../evidence/decoys.ts";
import type { CarrierReading } from "../../message/carrier-reading.ts";
import { PAYLOAD_CLASSES } from "../../message/payload-class.ts";
import { partDecoys, partReading } from "./part-sums.ts";
import type { DifferenceSums } from "./read-difference.ts";

/** Both halves in every class: whoever knows nothing but the key must try them all. */
export function differenceReadings({ full, subspace }: DifferenceSums): CarrierReading[] {
  return PAYLOAD_CLASSES.flatMap((payloadClass) => [
    partReading(full, payloadClass),
    partReading(subspace, payloadClass),
  ]).filter(({ energies }) => energies.some((energy) => energy > 0));
}

export function differenceDecoys({ full, subspace }: DifferenceSums): DecoySource[] {
  return [partDecoys(full), partDecoys(subspace)];
}
