import { lstat } from "node:fs/promises";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import { readingsOf } from "./carriers/read-carriers.ts";
import { type MarkedCopy, requireOutsideModel, writeMarkedCopy } from "./copy/marked-copy.ts";
import type { EmbedOptions } from "./embed-options.ts";
import { carrierCapacity } from "./evidence/carrier-capacity.ts";
import { decide } from "./evidence/decide.ts";
import { requireMarkable, requireUnmarked } from "./host/markable.ts";
import { derivativeMarking } from "./mark-derivative.ts";
import type { MarkPlan } from "./mark-plan.ts";
import { releaseMarking } from "./mark-release.ts";
import type { Message } from "./message/message.ts";
import { showPayload } from "./message/payload.ts";
import type { EmbedResult } from "./result.ts";
import { requireSketchPlace, type StagedSketch, sketchPath, stageSketch } from "./resync/staged-sketch.ts";

/**
 * Writes a marked copy of a model, in one pass over the file that leaves every byte alone that is not marked. With a `base`
 * the mark lies in the difference to it.
 *
 * @throws PUBLIC_BASE, BASE_MISMATCH, QUANTIZED_WEIGHTS, DTYPE_UNSUPPORTED, MODEL_TOO_SMALL, PAYLOAD_TOO_LONG, ALREADY_MARKED;
 * what `writeMarkedCopy` throws.
 *   Nothing is left behind then
 * @example
 * import { openCheckpoint } from "weightmark";
 * import { openAnyCandidates } from "weightmark/registry";
 * import { embedWatermark, generateKeyFile, parsePayload, readKeyFile } from "weightmark/watermark";
 *
 * await generateKeyFile("my.key", { passphrase: "six words that nobody else knows" });
 * const key = await readKeyFile("my.key", "six words that nobody else knows");
 * await using model = await openCheckpoint("my-model");
 * await using publicBases = await openAnyCandidates("./registry");
 * await embedWatermark(model, { key, payload: parsePayload("text:release-1"), directory: "to-publish", publicBases });
 */
export async function embedWatermark(checkpoint: Checkpoint, options: EmbedOptions): Promise<EmbedResult> {
  const { key, directory, base, publicBases } = options;
  requireMarkable(checkpoint);
  await requireAbsent(directory);
  await requireOutsideModel(checkpoint, directory);
  const wantsSketch = base === undefined && (options.sketch ?? true);
  if (wantsSketch) await requireSketchPlace(sketchPath(directory), key);
  if (base === undefined && publicBases !== null) {
    // Loaded when needed: all of what lineage is told by.
    const { requireNoPublicBase } = await import("./public-base.ts");
    await requireNoPublicBase(checkpoint, publicBases, options.signal);
  }
  const mode = base === undefined ? releaseMarking(checkpoint, options) : derivativeMarking(checkpoint, base, options);
  const message: Message = { key, payload: options.payload ?? null, rho: options.rho ?? mode.defaultRho };

  const host = await mode.read(message);
  requireUnmarked(checkpoint, decide(readingsOf(host.carriers), key).present);
  const plan = host.plan();
  const sketch = wantsSketch && plan.sketch !== null ? await stageSketch(await plan.sketch(), directory) : null;
  const copy = await writeCopy(checkpoint, plan, sketch, options);

  const { statistics, caveats } = await plan.achieved(copy);
  return {
    keyId: key.id,
    release: key.release,
    mode: mode.name,
    rho: message.rho,
    payload: message.payload === null ? null : showPayload(message.payload),
    carriers: plan.carriers.map(({ name, units, strength, rms, note }, i) => ({
      ...carrierCapacity(name, units, strength, note),
      achieved: statistics[i]!,
      rms,
    })),
    output: { directory, files: copy.files, bytes: copy.bytes },
    sketch: sketch === null ? null : { path: sketch.path, bytes: sketch.bytes },
    caveats: [...plan.caveats, ...caveats, ...copy.notes],
  };
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

/** The copy and its sketch, both or neither. */
async function writeCopy(
  checkpoint: Checkpoint,
  { edits, refine }: MarkPlan,
  sketch: StagedSketch | null,
  options: EmbedOptions,
): Promise<MarkedCopy> {
  try {
    const copy = await writeMarkedCopy(checkpoint, options.directory, edits, {
      ...options,
      ...(refine === undefined ? {} : { refine }),
      whole: () => sketch?.publish(),
    });
    sketch?.keep();
    return copy;
  } catch (error) {
    await sketch?.takeBack();
    throw error;
  }
}
