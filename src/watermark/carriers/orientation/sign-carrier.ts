import { softStatistic } from "../../evidence/statistics.ts";
import { orientationStrength } from "../../evidence/strength.ts";
import type { HostModel } from "../../host/host-model.ts";
import type { ModelKey } from "../../key/model-key.ts";
import { messageSymbols } from "../../message/message.ts";
import type { PayloadClass } from "../../message/payload-class.ts";
import type { CarrierSize, MarkableCarrier } from "../carrier.ts";
import { chipsOfBlock } from "./chips.ts";
import { planOrientation, type SignFlips } from "./flips.ts";
import { signGenerators } from "./generators.ts";
import type { OrientationUnits } from "./projections.ts";
import { orientationDecoys, orientationReading } from "./reading.ts";

/** Turns signs so that the model says the message, at no cost. */
export function signCarrier(units: OrientationUnits, key: ModelKey): MarkableCarrier<SignFlips> {
  return {
    name: "orientation",
    units: units.present,
    doubt: units.doubt,
    reading: (payloadClass) => orientationReading(units, payloadClass, key),
    decoys: () => orientationDecoys(units),
    plan(message, payloadClass) {
      if (units.doubt !== null) return null;
      const marks = messageSymbols(message, payloadClass, "orientation");
      const turned = turnedUnits(units, marks, payloadClass, key);
      return {
        strength: orientationStrength(units.present, payloadClass),
        statistic: softStatistic(orientationReading(turned, payloadClass, key), marks),
        rms: 0,
        change: planOrientation(units, marks, payloadClass, key),
      };
    },
  };
}

/** Told from the shapes alone. */
export function signSize(host: HostModel): CarrierSize {
  const units = signGenerators(host).reduce((n, { count }) => n + count, 0);
  const { doubt } = host.symmetries;
  return { name: "orientation", units, doubt, strength: (payloadClass) => orientationStrength(units, payloadClass) };
}

/** The projections after every sign says what it should. */
function turnedUnits(
  units: OrientationUnits,
  marks: Int8Array,
  payloadClass: PayloadClass,
  key: ModelKey,
): OrientationUnits {
  const blocks = units.blocks.map((block) => {
    const { chips, coins } = chipsOfBlock(block, payloadClass, key);
    return { ...block, projections: block.projections.map((y, g) => coins[g]! * marks[chips[g]!]! * Math.abs(y)) };
  });
  return { ...units, blocks };
}
