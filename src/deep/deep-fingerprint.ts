import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { type FingerprintOptions, fingerprintCheckpoint } from "../fingerprint/extract.ts";
import type { Fingerprint, ReadingDepth } from "../fingerprint/fingerprint.ts";
import { deepModel } from "./deep-model.ts";
import { takeAttentionPart } from "./take-attention.ts";
import { takeDeepPart } from "./take-part.ts";

export interface DeepFingerprintOptions extends Omit<FingerprintOptions, "depth"> {
  /**
   * `sampled` reads some tens of megabytes of any model, `full` every byte once; `deep` is `sampled` with what tests of labels
   * that were moved on purpose need, for which four layers of feed-forward networks are read. @default "sampled"
   */
  readonly depth?: ReadingDepth;
  /** The same at any depth. @default at depth `deep` */
  readonly deep?: boolean;
  /**
   * At depth `deep`: only the first neurons of these layers, some 60 MB of a 7B model, and nothing that adapters alone are
   * tested by. @default false
   */
  readonly few?: boolean;
}

/**
 * Fingerprint of a checkpoint.
 *
 * @throws WeightmarkError CHANGED_DURING_READ when a file is replaced or written meanwhile.
 * @example
 * import { writeFile } from "node:fs/promises";
 * import { fingerprint, openCheckpoint, serializeFingerprint } from "weightmark";
 *
 * await using model = await openCheckpoint("my-model");
 * await writeFile("my-model.fp.safetensors", serializeFingerprint(await fingerprint(model, { depth: "full" })));
 */
export async function takeFingerprint(
  checkpoint: Checkpoint,
  options: DeepFingerprintOptions = {},
): Promise<Fingerprint> {
  const { depth = "sampled", deep: isDeep = depth === "deep", few = false, signal } = options;
  const plain = await fingerprintCheckpoint(checkpoint, { ...options, depth: depth === "deep" ? "sampled" : depth });
  if (!isDeep) return plain;
  const model = await deepModel(checkpoint, signal);
  const deep = model === null ? null : await takeDeepPart(model, few);
  const attention = few ? null : await takeAttentionPart(checkpoint, signal);
  await checkpoint.verifyUnchanged();
  return {
    ...plain,
    bytesRead: plain.bytesRead + (deep === null ? 0 : model!.bytesRead()) + (attention?.bytesRead ?? 0),
    ...(deep === null ? {} : { deep }),
    ...(attention === null ? {} : { attention: attention.part }),
  };
}
