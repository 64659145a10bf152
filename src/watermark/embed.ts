import { lstat } from "node:fs/promises";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import type { SpreadPlan } from "./carriers/spread/plan.ts";
import { readSpread } from "./carriers/spread/read.ts";
import { spreadResidual } from "./carriers/spread/residual.ts";
import { spreadReading } from "./carriers/spread/spread-units.ts";
import { tokenEdits } from "./carriers/tokens/token-edits.ts";
import { type MarkedCopy, requireOutsideModel, writeMarkedCopy } from "./copy/marked-copy.ts";
import { mergeEdits } from "./edit-merge.ts";
import { embedDifference } from "./embed-difference.ts";
import type { EmbedOptions } from "./embed-options.ts";
import { type Planned, planSigns, planTokenMatrix, planWeights } from "./embed-plan.ts";
import { capacityCaveats, carrierCapacity, DEFAULT_RHO } from "./evidence/carrier-capacity.ts";
import { decide } from "./evidence/decide.ts";
import type { Strength } from "./evidence/strength.ts";
import { hostModel } from "./host/host-checkpoint.ts";
import { requireMarkable, requireUnmarked } from "./host/markable.ts";
import { mainModel, unmarkedCaveats } from "./host/rivals/settle.ts";
import type { CarrierName } from "./message/carrier-reading.ts";
import type { Message } from "./message/message.ts";
import { showPayload } from "./message/payload.ts";
import { allReadings, chosenTokens, readSigns, storedTokens } from "./readings.ts";
import type { EmbeddedCarrier, EmbedResult } from "./result.ts";
import { buildSketch } from "./resync/build-sketch.ts";
import { requireSketchPlace, sketchPath, stageSketch } from "./resync/staged-sketch.ts";

/**
 * Writes a marked copy of a model: signs are turned first, then token rows and layer weights are moved, in one pass over the
 * file that leaves every other byte alone.
 *
 * @throws BASE_MISMATCH, QUANTIZED_WEIGHTS, DTYPE_UNSUPPORTED, MODEL_TOO_SMALL, PAYLOAD_TOO_LONG, ALREADY_MARKED; what `writeMarkedCopy` throws.
 *   Nothing is left behind then
 */
export async function embedWatermark(checkpoint: Checkpoint, options: EmbedOptions): Promise<EmbedResult> {
  const { key, directory } = options;
  requireMarkable(checkpoint);
  await requireAbsent(directory);
  await requireOutsideModel(checkpoint, directory);
  if (options.base !== undefined) return embedDifference(checkpoint, options.base, options);
  if (wantsSketch(options)) await requireSketchPlace(sketchPath(directory), key);
  const message: Message = { key, payload: options.payload ?? null, rho: options.rho ?? DEFAULT_RHO };

  const model = mainModel(checkpoint);
  const host = hostModel(model);
  const signs = await readSigns(host, key, options);
  const { doubt } = host.symmetries;
  const orientation = doubt === null ? planSigns(signs, message) : null;
  const flips = orientation?.plan ?? new Map();
  const [weights, found] = await Promise.all([
    readSpread(model, key, { ...reading(options), flips, marking: true }),
    storedTokens(model, key),
  ]);
  const readings = allReadings(key, signs, (payloadClass) => spreadReading(weights, payloadClass), found);
  requireUnmarked(checkpoint, decide(readings, key).present);

  const spread = planWeights(weights, message);
  const tokens = chosenTokens(found).map((finding) => ({ finding, planned: planTokenMatrix(finding, message) }));
  const carriers: Carrier[] = [
    { name: "orientation", units: signs.present, planned: orientation, rms: 0, note: doubt },
    { name: "spread", units: weights.weights, planned: spread, rms: spread?.plan.rms.predicted ?? null, note: null },
    ...tokens.map(({ finding, planned }) => ({
      name: finding.units.carrier,
      units: finding.units.values.length,
      planned,
      rms: planned?.plan.rms ?? null,
      note: null,
    })),
  ];
  requireRoom(carriers, message, checkpoint);

  const tokensByTensor = new Map(
    tokens.flatMap(({ finding, planned }) =>
      planned === null ? [] : [...tokenEdits(finding.matrix, planned.plan.edit)],
    ),
  );
  const edits = mergeEdits(model, { flips, spread: spread?.plan.edits ?? new Map(), tokens: tokensByTensor });
  const sketch = wantsSketch(options)
    ? await stageSketch(await buildSketch(model, { key, flips, signal: options.signal }), directory)
    : null;
  let copy: MarkedCopy;
  try {
    copy = await writeMarkedCopy(checkpoint, directory, edits, {
      ...options,
      refine: (achieved, pass) => {
        const residual = spread === null ? null : spreadResidual(weights, spread.plan, achieved, key, pass).edits;
        return residual === null ? null : mergeEdits(model, { flips: new Map(), spread: residual, tokens: new Map() });
      },
      whole: () => sketch?.publish(),
    });
  } catch (error) {
    await sketch?.takeBack();
    throw error;
  }
  sketch?.keep();
  const shown = carriers.map((carrier) =>
    embedded(carrier, carrier.name === "spread" ? writtenStatistic(spread, copy) : null),
  );
  return {
    keyId: key.id,
    release: key.release,
    mode: "release",
    rho: message.rho,
    payload: message.payload === null ? null : showPayload(message.payload),
    carriers: shown,
    output: { directory, files: copy.files, bytes: copy.bytes },
    sketch: sketch === null ? null : { path: sketch.path, bytes: sketch.bytes },
    caveats: [...capacityCaveats(shown), ...unmarkedCaveats(checkpoint), ...copy.notes],
  };
}

interface Carrier {
  readonly name: CarrierName;
  readonly units: number;
  readonly planned: Omit<Planned<unknown>, "plan"> | null;
  readonly rms: number | null;
  readonly note: string | null;
}

function reading({ threads, signal }: EmbedOptions) {
  return { ...(threads === undefined ? {} : { threads }), ...(signal === undefined ? {} : { signal }) };
}

function wantsSketch({ sketch }: EmbedOptions): boolean {
  return sketch ?? true;
}

/** Asked before the model is read, which may take minutes; asked again when the name is given. */
async function requireAbsent(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return;
  throw new WeightmarkError("OUTPUT_EXISTS", "the output exists", {
    file: path,
    detail:
      "Name a new directory. A marked copy gets its name when it is whole: one that an embedding made which was killed is good.",
  });
}

/** The payload must stand somewhere, and something must stand at all. */
function requireRoom(carriers: readonly Carrier[], { payload }: Message, { location }: Checkpoint): void {
  const strengths = carriers
    .map(({ planned }) => planned?.strength)
    .filter((one): one is Strength => one !== undefined);
  if (strengths.length === 0) {
    const doubt = carriers.find(({ name }) => name === "orientation")?.note ?? null;
    const signs = doubt === null ? "" : `No signs are turned: ${doubt}. `;
    throw new WeightmarkError("MODEL_TOO_SMALL", "no mark fits into this model", {
      file: location,
      detail: `${signs}See \`weightmark watermark capacity\`; --strength strong carries four times the energy.`,
    });
  }
  if (payload === null || strengths.some(({ payloadClass }) => payloadClass.payloadBits === payload.bits)) return;
  throw new WeightmarkError("PAYLOAD_TOO_LONG", `a payload of ${payload.bits} bits does not fit into this model`, {
    file: location,
    detail: "See `weightmark watermark capacity`: shorten the payload, leave it out, or use --strength strong.",
  });
}

function embedded({ name, units, planned, rms, note }: Carrier, written: number | null): EmbeddedCarrier {
  const about = carrierCapacity(
    name,
    units,
    planned?.strength ?? null,
    note ?? (planned === null ? "too small" : null),
  );
  return { ...about, achieved: written ?? planned?.statistic ?? 0, rms };
}

/** The chips of the spread mark were read again while they were written; of other carriers the plan tells what they say. */
function writtenStatistic(spread: Planned<SpreadPlan> | null, { achieved }: MarkedCopy): number | null {
  if (spread === null || achieved === null) return null;
  const { symbols } = spread.plan;
  let [sum, energy] = [0, 0];
  for (let i = 0; i < symbols.length; i++) {
    const count = achieved.counts[i]!;
    if (count === 0) continue;
    sum += (symbols[i]! * achieved.sums[i]!) / Math.sqrt(count);
    energy += achieved.squares[i]! / count;
  }
  return energy > 0 ? sum / Math.sqrt(energy) : 0;
}
