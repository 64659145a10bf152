import { WeightmarkError } from "../errors.ts";
import { readBoundedFile } from "./bounded-file.ts";
import { type Commitment, parseCommitment } from "./commitment.ts";

/**
 * A commitment from its file, its signature checked.
 *
 * @throws COMMITMENT_MALFORMED, COMMITMENT_FORGED, FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE
 */
export async function readCommitment(file: string): Promise<Commitment> {
  const tooLarge = () =>
    new WeightmarkError("COMMITMENT_MALFORMED", "the file is too large for a commitment", { file });
  return parseCommitment(await readBoundedFile(file, tooLarge), file);
}
