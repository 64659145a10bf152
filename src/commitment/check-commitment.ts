import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import type { FullPassOptions } from "../fingerprint/full-pass.ts";
import { toHex } from "../fingerprint/hex.ts";
import type { Commitment } from "./commitment.ts";
import { readOpening } from "./opening.ts";
import { contentManifest } from "./salted-root.ts";

/**
 * Holds a model against a commitment, by the opening's salt.
 *
 * @param file path of the opening
 * @throws COMMITMENT_MISMATCH where it is another model, or none was committed; what `readOpening` throws
 */
export async function checkCommittedModel(
  commitment: Commitment,
  file: string,
  which: "marked" | "unmarked",
  model: Checkpoint,
  options: FullPassOptions,
): Promise<void> {
  const opened = (await readOpening(file, commitment))[which];
  const found = opened === null ? null : toHex(await contentManifest(model, options));
  if (opened !== null && found === opened.content) return;
  const message =
    opened === null ? `no ${which} model was committed` : `this is not the ${which} model that was committed`;
  throw new WeightmarkError("COMMITMENT_MISMATCH", message, { file: model.location });
}
