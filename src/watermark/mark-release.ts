import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import { choosePlan } from "./carriers/choose-plan.ts";
import { readOrientation } from "./carriers/orientation/projections.ts";
import { signCarrier } from "./carriers/orientation/sign-carrier.ts";
import type { ChipSums } from "./carriers/spread/chip-sums.ts";
import type { SpreadPlan } from "./carriers/spread/plan.ts";
import { readSpread } from "./carriers/spread/read.ts";
import { spreadResidual } from "./carriers/spread/residual.ts";
import { spreadCarrier } from "./carriers/spread/spread-carrier.ts";
import { chosenTokens, storedTokens } from "./carriers/tokens/read-tokens.ts";
import { storedTokenCarrier } from "./carriers/tokens/token-carrier.ts";
import type { MarkedCopy } from "./copy/marked-copy.ts";
import { mergeEdits } from "./edit-merge.ts";
import type { EmbedOptions } from "./embed-options.ts";
import { capacityCaveats, DEFAULT_RHO } from "./evidence/carrier-capacity.ts";
import { hostModel } from "./host/host-checkpoint.ts";
import { mainModel, unmarkedCaveats } from "./host/rivals/settle.ts";
import { type HostReading, type MarkingMode, type PlannedCarrier, plannedCarrier } from "./mark-plan.ts";
import type { Message } from "./message/message.ts";
import { buildSketch } from "./resync/build-sketch.ts";

/** Marks a model's own weights: signs are turned first, then token rows and the weights of the layers are moved. */
export function releaseMarking(checkpoint: Checkpoint, options: EmbedOptions): MarkingMode {
  return {
    name: "release",
    defaultRho: DEFAULT_RHO,
    read: (message) => readHost(checkpoint, message, options),
  };
}

async function readHost(checkpoint: Checkpoint, message: Message, options: EmbedOptions): Promise<HostReading> {
  const { key } = message;
  const { threads, signal } = options;
  const model = mainModel(checkpoint);
  const signs = signCarrier(await readOrientation(hostModel(model), key, { signal }), key);
  const orientation = choosePlan(signs, message);
  // The weights are read as they will be: with the signs turned.
  const flips = orientation?.change ?? new Map();
  const [units, findings] = await Promise.all([
    readSpread(model, key, { threads, signal, flips, marking: true }),
    storedTokens(model, key),
  ]);
  const weights = spreadCarrier(units, key);

  return {
    carriers: [signs, weights, ...findings.map(storedTokenCarrier)],
    plan() {
      const spread = choosePlan(weights, message);
      const tokens = chosenTokens(findings)
        .map(storedTokenCarrier)
        .map((carrier) => ({ carrier, plan: choosePlan(carrier, message) }));
      const carriers = [
        { ...plannedCarrier(signs, orientation), rms: 0 },
        plannedCarrier(weights, spread),
        ...tokens.map(({ carrier, plan }) => plannedCarrier(carrier, plan)),
      ];
      requireRoom(carriers, signs.doubt, message, checkpoint);
      const ofTokens = new Map(tokens.flatMap(({ plan }) => [...(plan?.change ?? [])]));
      return {
        carriers,
        edits: mergeEdits(model, { flips, spread: spread?.change.edits ?? new Map(), tokens: ofTokens }),
        refine(achieved, pass) {
          const more = spread === null ? null : spreadResidual(units, spread.change, achieved, key, pass).edits;
          return more === null ? null : mergeEdits(model, { flips: new Map(), spread: more, tokens: new Map() });
        },
        sketch: () => buildSketch(model, { key, flips, signal }),
        achieved: async (copy) => ({ statistics: statisticsOf(carriers, spread?.change ?? null, copy), caveats: [] }),
        caveats: [
          ...capacityCaveats(carriers.filter(({ strength }) => strength !== null)),
          ...unmarkedCaveats(checkpoint),
        ],
      };
    },
  };
}

/** The payload must stand somewhere, and something must stand at all. */
function requireRoom(
  carriers: readonly PlannedCarrier[],
  doubt: string | null,
  { payload }: Message,
  { location }: Checkpoint,
): void {
  const strengths = carriers.flatMap(({ strength }) => (strength === null ? [] : [strength]));
  if (strengths.length === 0) {
    const signs = doubt === null ? "" : `No signs are turned: ${doubt}. `;
    throw new WeightmarkError("MODEL_TOO_SMALL", "no mark fits into this model", {
      file: location,
      detail: `${signs}See \`watermarkCapacity\`; \`strength: strong\` carries four times the energy.`,
    });
  }
  if (payload === null || strengths.some(({ payloadClass }) => payloadClass.payloadBits === payload.bits)) return;
  throw new WeightmarkError("PAYLOAD_TOO_LONG", `a payload of ${payload.bits} bits does not fit into this model`, {
    file: location,
    detail: "See `watermarkCapacity`: shorten the payload, leave it out, or use `strength: strong`.",
  });
}

/** The chips of the spread mark were read again while they were written; of other carriers the plan tells what they say. */
function statisticsOf(
  carriers: readonly PlannedCarrier[],
  spread: SpreadPlan | null,
  { achieved }: MarkedCopy,
): number[] {
  const written = spread === null || achieved === null ? null : writtenStatistic(spread, achieved);
  return carriers.map(({ name, statistic }) => (name === "spread" ? (written ?? statistic) : statistic));
}

function writtenStatistic({ symbols }: SpreadPlan, { sums, squares, counts }: ChipSums): number {
  let [sum, energy] = [0, 0];
  for (let i = 0; i < symbols.length; i++) {
    const count = counts[i]!;
    if (count === 0) continue;
    sum += (symbols[i]! * sums[i]!) / Math.sqrt(count);
    energy += squares[i]! / count;
  }
  return energy > 0 ? sum / Math.sqrt(energy) : 0;
}
