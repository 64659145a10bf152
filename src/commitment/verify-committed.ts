import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import { toHex } from "../fingerprint/hex.ts";
import type { Certificate } from "../timestamps/certificate.ts";
import { type LayeredKey, withoutLayers } from "../watermark/key/layered-key.ts";
import type { ModelKey } from "../watermark/key/model-key.ts";
import type { VerifyResult } from "../watermark/result.ts";
import { type VerifyOptions, verifyWatermark } from "../watermark/verify.ts";
import { requireLayered } from "./commit.ts";
import { type Commitment, commitmentDigest } from "./commitment.ts";
import { type CommitmentTime, commitmentTime } from "./commitment-time.ts";
import { type OpenedMark, readDisclosure } from "./disclosure.ts";
import { readCommitment } from "./read-commitment.ts";
import { baseDigest } from "./salted-root.ts";
import { sketchDigest } from "./sketch-digest.ts";

export interface CommittedOptions extends Omit<VerifyOptions, "key" | "log2Choices"> {
  /** Path of the commitment. */
  readonly commitment: string;
  /**
   * The whole key, without the layers of a disclosure where one is named; or the path of a disclosure, with the verifier's own
   * challenge or null.
   */
  readonly holder:
    | { readonly key: ModelKey; readonly without?: string | undefined }
    | { readonly disclosure: string; readonly challenge: string | null };
  /** Certificates that the verifier trusts to say when, or null. */
  readonly roots: readonly Certificate[] | null;
  /** Milliseconds since 1970: when the suspect is said to have been seen first; null where nobody says. */
  readonly firstSeen: number | null;
}

export interface CommittedResult {
  readonly result: VerifyResult;
  /** SHA-256 of what was signed. */
  readonly digest: string;
  readonly time: CommitmentTime;
  /** What was opened; null for who holds the whole key. */
  readonly opened: (Pick<OpenedMark, "layers" | "isChallenged" | "log2Choices"> & { readonly of: number }) | null;
}

/**
 * `verifyWatermark` with a key that was committed: the whole of it, or the layers of it that a disclosure opens. All that
 * does not need the weights is checked before they are read.
 *
 * H0 for opened layers: the weights were made without these layers' secrets, which the commitment fixed. Their coins follow from
 * the secrets and from the root of all of them, so that they are fair for whoever did not search for a key that fits.
 *
 * @throws COMMITMENT_OF_ANOTHER_KEY, COMMITMENT_MISMATCH, COMMITMENT_TOO_LATE, KEY_NOT_LAYERED; what reading the commitment and
 *   the disclosure, `commitmentTime` and `verifyWatermark` throw
 */
export async function verifyCommitted(suspect: Checkpoint, options: CommittedOptions): Promise<CommittedResult> {
  const { commitment: file, holder, roots, firstSeen, ...verifying } = options;
  const commitment = await readCommitment(file);
  const time = commitmentTime(commitment, { roots, firstSeen, file });
  const opened = "key" in holder ? null : await readDisclosure(holder.disclosure, commitment, holder.challenge);
  const key = "key" in holder ? await ownKey(commitment, holder, file) : opened!.key;
  await requireCommitted(commitment, options);
  const payload = options.payload ?? opened?.payload ?? null;
  const choices = opened === null ? {} : { log2Choices: opened.log2Choices };
  const result = await verifyWatermark(suspect, { ...verifying, key, payload, ...choices });
  const caveats = [...result.caveats, ...(opened === null ? [] : openedCaveats(result))];
  return {
    result: { ...result, caveats },
    digest: commitmentDigest(commitment),
    time,
    opened: opened === null ? null : shownOf(opened, commitment.statement.model.layers),
  };
}

/** What reports may say of it: no key. */
function shownOf({ layers, isChallenged, log2Choices }: OpenedMark, of: number): CommittedResult["opened"] {
  return { layers, isChallenged, log2Choices, of };
}

/** Whoever was shown layers could write the mark into them, or another over it. */
async function ownKey(
  commitment: Commitment,
  { key, without }: { readonly key: ModelKey; readonly without?: string | undefined },
  file: string,
): Promise<ModelKey> {
  const whole = committedKey(commitment, key, file);
  if (without === undefined) return whole;
  return withoutLayers(whole, (await readDisclosure(without, commitment, null)).layers);
}

/** @throws KEY_NOT_LAYERED, COMMITMENT_OF_ANOTHER_KEY */
export function committedKey({ statement }: Commitment, key: ModelKey, file: string): LayeredKey {
  const layered = requireLayered(key);
  if (toHex(layered.root) === statement.key.root) return layered;
  const message = `the commitment is to key ${statement.key.id}, not ${key.id}`;
  throw new WeightmarkError("COMMITMENT_OF_ANOTHER_KEY", message, { file });
}

/** What decides with the key what is found must be what was committed: chosen later, it could be made to fit. */
async function requireCommitted({ statement }: Commitment, options: CommittedOptions): Promise<void> {
  const { base, reference, tokenizer, threads, signal } = options;
  const { model, mark, key } = statement;
  const mismatch = (message: string, file?: string) => new WeightmarkError("COMMITMENT_MISMATCH", message, { file });
  if ((base === undefined) !== (mark.mode === "release")) {
    throw mismatch(
      base === undefined
        ? "the committed mark lies in the difference to a base, and none was given"
        : "the committed mark lies in the weights themselves, not in the difference to a base",
      base?.location,
    );
  }
  const reading = { ...(threads === undefined ? {} : { threads }), ...(signal === undefined ? {} : { signal }) };
  if (base !== undefined && (await baseDigest(base, reading)) !== model.base) {
    throw mismatch("the base is not the committed one", base.location);
  }
  if (reference !== undefined && (await sketchDigest(reference, key.id)) !== model.sketch) {
    throw mismatch(
      model.sketch === null ? "no sketch was committed" : "the sketch is not the committed one",
      reference,
    );
  }
  // It is no part of what was committed, and whoever chooses it later can fit it.
  if (tokenizer !== undefined) throw mismatch("no tokenizer was committed, so that none can be named", tokenizer);
}

function openedCaveats({ present }: VerifyResult): string[] {
  if (!present) return ["only the opened layers were read: the mark may stand in the others"];
  return [
    "whoever made the key may have tried many against weights that were public before the commitment: 2^k keys tried make p 2^k times larger",
  ];
}
