import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { openCheckpoint } from "../checkpoint/open-checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import {
  carrierOf,
  DEFAULT_DIFFERENCE_RHO,
  DIFFERENCE_CAVEATS,
  fittingPlan,
} from "./carriers/difference/fitting-plan.ts";
import { type PartSums, partReading } from "./carriers/difference/part-sums.ts";
import { type DifferenceSums, readDifference } from "./carriers/difference/read-difference.ts";
import { differenceReadings } from "./carriers/difference/readings.ts";
import { writeMarkedCopy } from "./copy/marked-copy.ts";
import type { EmbedOptions } from "./embed-options.ts";
import { decide } from "./evidence/decide.ts";
import { softStatistic } from "./evidence/statistics.ts";
import { requireUnmarked } from "./host/markable.ts";
import { type Message, messageSymbols } from "./message/message.ts";
import { showPayload } from "./message/payload.ts";
import type { PayloadClass } from "./message/payload-class.ts";
import type { EmbeddedCarrier, EmbedResult } from "./result.ts";

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

function tooSmall({ payload }: Message, { location }: Checkpoint): WeightmarkError {
  const where = { file: location, detail: "Try a shorter payload, none, or a larger --rho (up to .03)." };
  if (payload === null) {
    return new WeightmarkError("MODEL_TOO_SMALL", "the difference to the base is too small for a mark", where);
  }
  const message = `a payload of ${payload.bits} bits does not fit into the difference to the base`;
  return new WeightmarkError("PAYLOAD_TOO_LONG", message, where);
}
