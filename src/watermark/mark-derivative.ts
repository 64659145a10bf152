import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { openCheckpoint } from "../checkpoint/open-checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import type { Carrier } from "./carriers/carrier.ts";
import {
  DEFAULT_DIFFERENCE_RHO,
  DIFFERENCE_CAVEATS,
  type DifferencePlan,
  fittingPlan,
} from "./carriers/difference/fitting-plan.ts";
import { halfCarriers } from "./carriers/difference/half-carriers.ts";
import { readDifference } from "./carriers/difference/read-difference.ts";
import type { EmbedOptions } from "./embed-options.ts";
import { softStatistic } from "./evidence/statistics.ts";
import { type HostReading, type MarkingMode, plannedCarrier } from "./mark-plan.ts";
import { type Message, messageSymbols } from "./message/message.ts";

/** Marks a fine-tune in its difference to a public base, and nowhere else. */
export function derivativeMarking(checkpoint: Checkpoint, base: Checkpoint, options: EmbedOptions): MarkingMode {
  return {
    name: "derivative",
    defaultRho: DEFAULT_DIFFERENCE_RHO,
    read: (message) => readHost(checkpoint, base, message, options),
  };
}

async function readHost(
  checkpoint: Checkpoint,
  base: Checkpoint,
  message: Message,
  { directory, signal }: EmbedOptions,
): Promise<HostReading> {
  const { key } = message;
  const sums = await readDifference(checkpoint, base, key, { forMarking: true, signal });
  const carriers = halfCarriers(sums);
  return {
    carriers,
    plan() {
      const plan = fittingPlan(sums, message);
      if (plan === null) throw tooSmall(message, checkpoint);
      const untouched = sums.unchanged === 0 ? [] : [`${sums.unchanged} matrices are the base's own and carry nothing`];
      return {
        carriers: [plannedCarrier(carriers[0], plan.full), plannedCarrier(carriers[1], plan.subspace)],
        edits: plan.edits,
        sketch: null,
        // The copy is there: that it could not be read again is worth a word, not an error.
        achieved: () =>
          writtenCarriers(directory, base, message, signal)
            .then((written) => ({ statistics: statisticsOf(written, plan, message), caveats: [] }))
            .catch((error: Error) => ({
              statistics: statisticsOf(carriers, plan, message),
              caveats: [`the copy could not be read again (${error.message})`],
            })),
        caveats: [...DIFFERENCE_CAVEATS, ...untouched],
      };
    },
  };
}

/** What the key finds in the copy: rounding blurs a difference much more than weights. */
async function writtenCarriers(directory: string, base: Checkpoint, { key }: Message, signal: AbortSignal | undefined) {
  const copy = await openCheckpoint(directory);
  try {
    return halfCarriers(await readDifference(copy, base, key, { signal }));
  } finally {
    await copy.close();
  }
}

function statisticsOf(halves: readonly Carrier[], { full, subspace }: DifferencePlan, message: Message): number[] {
  return halves.map((carrier, i) => {
    const { payloadClass } = [full, subspace][i]!.strength;
    return softStatistic(carrier.reading(payloadClass), messageSymbols(message, payloadClass, carrier.name));
  });
}

function tooSmall({ payload }: Message, { location }: Checkpoint): WeightmarkError {
  const where = { file: location, detail: "Try a shorter payload, none, or a larger `rho` (up to .03)." };
  if (payload === null) {
    return new WeightmarkError("MODEL_TOO_SMALL", "the difference to the base is too small for a mark", where);
  }
  const message = `a payload of ${payload.bits} bits does not fit into the difference to the base`;
  return new WeightmarkError("PAYLOAD_TOO_LONG", message, where);
}
