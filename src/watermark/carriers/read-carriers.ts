import type { DecoySource } from "../evidence/decoys.ts";
import type { CarrierReading } from "../message/carrier-reading.ts";
import { PAYLOAD_CLASSES } from "../message/payload-class.ts";
import type { Carrier } from "./carrier.ts";

/** Every carrier in every payload class: anyone who knows nothing but the key must try them all. */
export function readingsOf(carriers: readonly Carrier[]): CarrierReading[] {
  return PAYLOAD_CLASSES.flatMap((payloadClass) => carriers.map((carrier) => carrier.reading(payloadClass))).filter(
    ({ energies }) => energies.some((energy) => energy > 0),
  );
}

/** Units of all carriers that have any, for decoy keys to draw signs of their own. */
export function decoySources(carriers: readonly Carrier[]): DecoySource[] {
  return carriers.map((carrier) => carrier.decoys()).filter(({ unitValues }) => unitValues.length > 0);
}
