import { z } from "zod";
import { readSmallFile } from "../bytes/small-file.ts";
import { WeightmarkError } from "../errors.ts";
import { type Commitment, commitmentDigest, hash, MAX_FILE_BYTES, parsedJson } from "./commitment.ts";
import { saltedHash } from "./salted-root.ts";

export const OPENING_FORMAT = "weightmark/commitment-opening@1";

const salted = z.strictObject({ salt: hash, content: hash });

/** What opens the salted digests of a commitment. Secret: it holds the payload, and proves what the unmarked model is. */
const opening = z.strictObject({
  format: z.literal(OPENING_FORMAT),
  commitment: hash,
  marked: salted,
  unmarked: salted.nullable(),
  payload: z
    .strictObject({ salt: hash, hex: z.string().regex(/^(?:[0-9a-f]{8}|[0-9a-f]{16}|[0-9a-f]{32})$/) })
    .nullable(),
});

export type Opening = z.infer<typeof opening>;

/** Beside the commitment, never in it: the commitment is published. */
export function openingPath(commitment: string): string {
  return `${commitment}.opening`;
}

export function serializeOpening(value: Opening): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`, "utf8");
}

/**
 * The opening of a commitment, which fits all that was committed.
 *
 * @throws COMMITMENT_MALFORMED, COMMITMENT_MISMATCH, FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE
 */
export async function readOpening(file: string, commitment: Commitment): Promise<Opening> {
  const malformed = (message: string) => new WeightmarkError("COMMITMENT_MALFORMED", message, { file });
  const bytes = await readSmallFile(file, MAX_FILE_BYTES, () => malformed("the file is too large for an opening"));
  const parsed = opening.safeParse(parsedJson(bytes, malformed));
  if (!parsed.success) throw malformed("the file is no opening of this version");
  const { model, mark } = commitment.statement;
  const { marked, unmarked, payload } = parsed.data;
  const fits =
    parsed.data.commitment === commitmentDigest(commitment) &&
    model.marked === rehashed("marked", marked) &&
    model.unmarked === (unmarked === null ? null : rehashed("unmarked", unmarked)) &&
    mark.payload === (payload === null ? null : payloadHash(payload));
  if (!fits) throw new WeightmarkError("COMMITMENT_MISMATCH", "the opening is of another commitment", { file });
  return parsed.data;
}

function rehashed(purpose: "marked" | "unmarked", { salt, content }: z.infer<typeof salted>): string {
  return saltedHash(purpose, Buffer.from(salt, "hex"), Buffer.from(content, "hex"));
}

/** Salted digest of a payload, as commitments hold it. */
export function payloadHash({ salt, hex }: { readonly salt: string; readonly hex: string }): string {
  return saltedHash("payload", Buffer.from(salt, "hex"), Buffer.from(hex, "hex"));
}
