import { WeightmarkError } from "../errors.ts";
import type { Certificate } from "../timestamps/certificate.ts";
import { momentOf } from "../timestamps/moment.ts";
import { type Timestamp, verifyTimestamp } from "../timestamps/verify-timestamp.ts";
import { type Commitment, signedBytes } from "./commitment.ts";

/** What is shown about when a key was committed, and what is not. */
export interface CommitmentTime {
  /** All that the commitment carries, each verified. */
  readonly timestamps: readonly Timestamp[];
  /** ISO 8601: committed by then, where a time stamp leads to a root that the verifier trusts; else null. */
  readonly by: string | null;
  /** When the suspect is said to have been seen first; nothing here proves it. */
  readonly firstSeen: string | null;
  /** `before`: both times are shown and the commitment is the earlier one. */
  readonly order: "before" | "not-shown";
  /** The conclusion, for people. */
  readonly sentence: string;
}

export interface TimeOptions {
  /** Certificates that the verifier trusts, or null. */
  readonly roots: readonly Certificate[] | null;
  /** Milliseconds since 1970, as given by the user. */
  readonly firstSeen: number | null;
  readonly file: string;
}

/**
 * Holds a commitment against the suspect's first appearance. The latest moment that a time stamp allows counts for it.
 *
 * @throws COMMITMENT_TOO_LATE; what `verifyTimestamp` throws, of any time stamp that the commitment carries
 */
export function commitmentTime(commitment: Commitment, { roots, firstSeen, file }: TimeOptions): CommitmentTime {
  const data = signedBytes(commitment);
  const timestamps = commitment.timestamps.map((token) =>
    verifyTimestamp(new Uint8Array(Buffer.from(token, "base64")), { data, roots, file }),
  );
  const trusted = timestamps.filter((one) => one.trusted);
  const earliest = trusted.toSorted((a, b) => (a.latest < b.latest ? -1 : 1))[0] ?? null;
  const by = earliest?.latest ?? null;
  const seen = firstSeen === null ? null : new Date(firstSeen).toISOString();
  const about = { timestamps, by, firstSeen: seen };
  const stamped = earliest === null ? null : `this key was committed by ${by} (time stamp of "${earliest.authority}")`;
  if (earliest !== null && firstSeen !== null) {
    if (Date.parse(earliest.latest) >= firstSeen) {
      const message = `the key was committed by ${by}, not before the suspect's first appearance at ${seen}`;
      throw new WeightmarkError("COMMITMENT_TOO_LATE", message, { file });
    }
    const sentence = `${stamped}, before the suspect's first appearance at ${seen} (as given by the user)`;
    return { ...about, order: "before", sentence };
  }
  const missing = [
    ...(timestamps.length === 0 ? ["the commitment carries no time stamp"] : []),
    ...(timestamps.length > 0 && roots === null ? ["no root certificate was given to trust its time stamp by"] : []),
    ...(firstSeen === null ? ["it was not said when the suspect was seen first"] : []),
  ].join("; ");
  const shown = stamped === null ? "" : `${stamped}; `;
  return {
    ...about,
    order: "not-shown",
    sentence: `${shown}not shown that the key came before the suspect: ${missing}`,
  };
}

/**
 * Milliseconds since 1970 of a date, from the start of its day in Greenwich, or of a time with its zone.
 *
 * @throws USAGE
 */
export function parseFirstSeen(text: string): number {
  const at = momentOf(text);
  if (at !== null) return at;
  throw new WeightmarkError("USAGE", "the first appearance is no date", {
    detail: "Write it as 2026-05-01 or 2026-05-01T12:00:00Z.",
  });
}
