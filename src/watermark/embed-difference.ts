import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { openCheckpoint } from "../checkpoint/open-checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import { described } from "./capacity.ts";
import type { Strength } from "./capacity-math.ts";
import { decide } from "./decide.ts";
import { type PartSums, partReading } from "./difference/part-sums.ts";
import { type DifferencePlan, planDifference } from "./difference/plan-difference.ts";
import { type DifferenceSums, readDifference } from "./difference/read-difference.ts";
import { differenceReadings } from "./difference/readings.ts";
import type { EmbedOptions } from "./embed.ts";
import { type Message, messageSymbols } from "./embed-plan.ts";
import { requireUnmarked } from "./markable.ts";
import { writeMarkedCopy } from "./marked-copy.ts";
import { classOf, showPayload } from "./payload.ts";
import type { PayloadClass } from "./payload-class.ts";
import type { CarrierCapacity, EmbeddedCarrier, EmbedResult } from "./result.ts";
import { softStatistic } from "./statistics.ts";

/** RMS of the change over RMS of the difference. */
export const DEFAULT_DIFFERENCE_RHO = 0.02;

/** What holds for every mark in a difference to a public base. */
export const DIFFERENCE_CAVEATS: readonly string[] = [
  "the base is public: signs and untouched token rows are restored from it, so no mark is put there",
  "rounding to bf16 moves the weights several times as far as the mark itself, still far below the difference",
  "int4 of a light fine-tune keeps nothing of the difference, and so nothing of the mark",
  "verify with the same --base; whoever drops the whole difference drops the mark with it",
];

/**
 * Writes a copy of a fine-tune that is marked in its difference to a public base, and nowhere else.
 *
 * @throws BASE_MISMATCH, and what `embedWatermark` throws
 */
export async function embedDifference(
  checkpoint: Checkpoint,
  base: Checkpoint,
  options: EmbedOptions,
): Promise<EmbedResult> {
  const { key, directory, signal } = options;
  const rho = options.rho ?? DEFAULT_DIFFERENCE_RHO;
  const message: Message = { key, payload: options.payload ?? null, rho };
  const sums = await readDifference(checkpoint, base, key, {
    forMarking: true,
    ...(signal === undefined ? {} : { signal }),
  });
  requireUnmarked(checkpoint, decide(differenceReadings(sums), key).present);
  const fitting = await fittingPlan(sums, message);
  if (fitting === null) throw tooSmall(message, checkpoint);
  const { plan, full, subspace } = fitting;
  const copy = await writeMarkedCopy(checkpoint, directory, plan.edits, options);
  // The copy is there: that it could not be read again is worth a word, not an error.
  const written = await writtenSums(directory, base, options).catch((error: Error) => error);
  const unread = written instanceof Error ? [`the copy could not be read again (${written.message})`] : [];
  const found = written instanceof Error ? sums : written;
  const carriers: EmbeddedCarrier[] = [
    { ...carrierOf(sums.full, full, plan, sums), achieved: achieved(found.full, full, message), rms: plan.rms },
    {
      ...carrierOf(sums.subspace, subspace, plan, sums),
      achieved: achieved(found.subspace, subspace, message),
      rms: plan.rms,
    },
  ];
  const untouched = sums.unchanged === 0 ? [] : [`${sums.unchanged} matrices are the base's own and carry nothing`];
  return {
    keyId: key.id,
    release: key.release,
    mode: "derivative",
    rho,
    payload: message.payload === null ? null : showPayload(message.payload),
    carriers,
    output: { directory, files: copy.files, bytes: copy.bytes },
    sketch: null,
    caveats: [...DIFFERENCE_CAVEATS, ...untouched, ...unread, ...copy.notes],
  };
}

/** What the key finds in the copy: rounding blurs a difference much more than weights. */
async function writtenSums(
  directory: string,
  base: Checkpoint,
  { key, signal }: EmbedOptions,
): Promise<DifferenceSums> {
  const copy = await openCheckpoint(directory);
  try {
    return await readDifference(copy, base, key, signal === undefined ? {} : { signal });
  } finally {
    await copy.close();
  }
}

function achieved(part: PartSums, payloadClass: PayloadClass, message: Message): number {
  return softStatistic(partReading(part, payloadClass), messageSymbols(message, payloadClass, part.carrier));
}

interface FittingPlan {
  readonly plan: DifferencePlan;
  readonly full: PayloadClass;
  readonly subspace: PayloadClass;
}

/** The payload in both halves, else in one; the other then says no more than that it is there. Null when neither holds it. */
export async function fittingPlan(sums: DifferenceSums, message: Message): Promise<FittingPlan | null> {
  const wanted = classOf(message.payload);
  const zero = classOf(null);
  const choices = [
    [wanted, wanted],
    [wanted, zero],
    [zero, wanted],
  ] as const;
  for (const [full, subspace] of message.payload === null ? [[zero, zero] as const] : choices) {
    const symbols = (payloadClass: PayloadClass, carrier: "difference" | "subspace") => ({
      payloadClass,
      symbols: messageSymbols(message, payloadClass, carrier),
    });
    const plan = await planDifference(
      sums,
      symbols(full, "difference"),
      symbols(subspace, "subspace"),
      message.key,
      message.rho,
    );
    if (plan !== null) return { plan, full, subspace };
  }
  return null;
}

function tooSmall({ payload }: Message, { location }: Checkpoint): WeightmarkError {
  const where = { file: location, detail: "Try a shorter payload, none, or a larger --rho (up to .03)." };
  if (payload === null) {
    return new WeightmarkError("MODEL_TOO_SMALL", "the difference to the base is too small for a mark", where);
  }
  const message = `a payload of ${payload.bits} bits does not fit into the difference to the base`;
  return new WeightmarkError("PAYLOAD_TOO_LONG", message, where);
}

/** One half of the mark, as planned. */
export function carrierOf(
  part: PartSums,
  payloadClass: PayloadClass,
  plan: DifferencePlan,
  sums: DifferenceSums,
): CarrierCapacity {
  const { alpha } = part.carrier === "difference" ? plan.full : plan.subspace;
  const strength: Strength = { payloadClass, alpha, cancelled: payloadClass.payloadBits === 0 ? 0 : 1 };
  return described(part.carrier, sums.weights, strength, null);
}
