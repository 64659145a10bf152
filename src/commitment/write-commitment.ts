import { unlinkSync } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import { stageFile } from "../bytes/atomic-file.ts";
import { WeightmarkError } from "../errors.ts";
import { undoOnExit } from "../unfinished.ts";
import type { Committed } from "./commit.ts";
import { serializeCommitment } from "./commitment.ts";
import { openingPath, serializeOpening } from "./opening.ts";

const OWNER_ONLY = 0o600;

/**
 * Asked before models are read, which may take minutes.
 *
 * @throws OUTPUT_EXISTS
 */
export async function requireCommitmentPlace(path: string): Promise<void> {
  for (const file of [path, openingPath(path)]) {
    if ((await lstat(file).catch(() => null)) === null) continue;
    throw new WeightmarkError("OUTPUT_EXISTS", "the output exists", {
      file,
      detail: "Name another file: a commitment and its opening are never replaced.",
    });
  }
}

/**
 * Writes a commitment, and beside it its opening for its owner alone: both or neither. The opening gets its name first, for a
 * commitment without it could not be opened.
 *
 * @throws OUTPUT_EXISTS, WRITE_FAILED
 */
export async function writeCommitment(path: string, { commitment, opening }: Committed): Promise<void> {
  const secret = openingPath(path);
  const stagedOpening = await stageFile(secret, serializeOpening(opening), { mode: OWNER_ONLY });
  const staged = await stageFile(path, serializeCommitment(commitment)).catch(async (error) => {
    await stagedOpening.discard();
    throw error;
  });
  await stagedOpening.publish().catch(async (error) => {
    await staged.discard();
    throw error;
  });
  const settled = undoOnExit(() => unlinkSync(secret));
  try {
    await staged.publish();
  } catch (error) {
    await unlink(secret).catch(() => undefined);
    throw error;
  } finally {
    settled();
  }
}
