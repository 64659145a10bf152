import { readSmallFile } from "../bytes/small-file.ts";
import { WeightmarkError } from "../errors.ts";
import { type Commitment, MAX_FILE_BYTES, parseCommitment } from "./commitment.ts";

/**
 * A commitment from its file, its signature checked.
 *
 * @throws COMMITMENT_MALFORMED, COMMITMENT_FORGED, FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE
 */
export async function readCommitment(file: string): Promise<Commitment> {
  const tooLarge = () =>
    new WeightmarkError("COMMITMENT_MALFORMED", "the file is too large for a commitment", { file });
  return parseCommitment(await readSmallFile(file, MAX_FILE_BYTES, tooLarge), file);
}
