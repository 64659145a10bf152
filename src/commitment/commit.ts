import { randomBytes } from "node:crypto";
import type { HttpClient } from "../bytes/http/http-client.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import type { FullPassOptions } from "../fingerprint/full-pass.ts";
import { toHex } from "../fingerprint/hex.ts";
import { askAuthority } from "../timestamps/ask-authority.ts";
import type { Certificate } from "../timestamps/certificate.ts";
import type { Timestamp } from "../timestamps/verify-timestamp.ts";
import { addressedViews } from "../watermark/host/host-checkpoint.ts";
import type { LayeredKey } from "../watermark/key/layered-key.ts";
import type { ModelKey } from "../watermark/key/model-key.ts";
import { type Payload, payloadOf } from "../watermark/message/payload.ts";
import type { VerifyResult } from "../watermark/result.ts";
import { verifyWatermark } from "../watermark/verify.ts";
import { COMMITMENT_FORMAT, type Commitment, commitmentDigest, type Statement, signedBytes } from "./commitment.ts";
import { OPENING_FORMAT, type Opening, payloadHash } from "./opening.ts";
import { baseDigest, contentManifest, SALT_BYTES, saltedHash } from "./salted-root.ts";
import { sketchDigest } from "./sketch-digest.ts";
import { publicKeyOf, signatureOf } from "./statement-signature.ts";

export interface CommitOptions {
  readonly key: ModelKey;
  /** The model as it was before marking. @default its digest is not committed */
  readonly unmarked?: Checkpoint | undefined;
  /** The public base of a mark in the difference to it. */
  readonly base?: Checkpoint | undefined;
  /** Path of the sketch that embedding wrote. @default none is committed */
  readonly sketch?: string | undefined;
  /** The payload that was embedded. @default the one that is read from the mark, none where it cannot be read */
  readonly payload?: Payload | null | undefined;
  /** Authorities that stamp the commitment. @default none */
  readonly authorities?: Authorities | undefined;
  /** Worker threads; 0 works on this thread. @default 2 */
  readonly threads?: number | undefined;
  readonly toolVersion: string;
  readonly signal?: AbortSignal | undefined;
}

/** Who stamps, and how they are asked. */
export interface Authorities {
  readonly addresses: readonly string[];
  readonly client: HttpClient;
  readonly policy: string | null;
  readonly roots: readonly Certificate[] | null;
}

export interface Committed {
  readonly commitment: Commitment;
  /** Secret. */
  readonly opening: Opening;
  readonly timestamps: readonly Timestamp[];
}

/**
 * Commits to a key and to what was marked with it, before the release: the root of the key's layers, salted digests of the marked
 * and the unmarked model and of the payload, the digest of the sketch, signed and stamped. Nothing is written.
 *
 * @throws KEY_NOT_LAYERED, COMMITMENT_WITHOUT_MARK, COMMITMENT_MISMATCH for an unmarked model that is the marked one; what
 *   `verifyWatermark`, opening the sketch and `askAuthority` throw
 */
export async function commitRelease(marked: Checkpoint, options: CommitOptions): Promise<Committed> {
  const key = requireLayered(options.key);
  const { authorities, signal } = options;
  const found = await requireMark(marked, key, options);
  const contents = await manifestsOf(marked, options);
  const payload = found.payload === null ? null : payloadOf(Buffer.from(found.payload.hex, "hex"));
  const opening = {
    marked: withSalt(contents.marked),
    unmarked: contents.unmarked === null ? null : withSalt(contents.unmarked),
    payload: payload === null ? null : { salt: newSalt(), hex: toHex(payload.bytes) },
  };
  const statement: Statement = {
    format: COMMITMENT_FORMAT,
    tool: { name: "weightmark", version: options.toolVersion },
    key: { id: key.id, release: key.release, root: toHex(key.root), publicKey: publicKeyOf(key) },
    model: {
      layers: layersOf(marked),
      marked: saltedRoot("marked", opening.marked),
      unmarked: opening.unmarked === null ? null : saltedRoot("unmarked", opening.unmarked),
      base: options.base === undefined ? null : await baseDigest(options.base, readingOf(options)),
      sketch: options.sketch === undefined ? null : await sketchDigest(options.sketch, key.id),
    },
    mark: {
      mode: found.mode,
      carriers: found.carriers.filter(({ present }) => present).map(({ name }) => name),
      payloadBits: payload?.bits ?? 0,
      payload: opening.payload === null ? null : payloadHash(opening.payload),
    },
  };
  const signed = { statement, signature: signatureOf(key, signedBytes({ statement })), timestamps: [] };
  const { commitment, timestamps } = await stampCommitment(signed, authorities, signal);
  return {
    commitment,
    opening: { format: OPENING_FORMAT, commitment: commitmentDigest(commitment), ...opening },
    timestamps,
  };
}

/**
 * The same commitment with the time stamps of these authorities beside those that it has.
 *
 * @throws what `askAuthority` throws
 */
export async function stampCommitment(
  commitment: Commitment,
  authorities: Authorities | undefined,
  signal?: AbortSignal,
): Promise<{ readonly commitment: Commitment; readonly timestamps: readonly Timestamp[] }> {
  const tokens: string[] = [];
  const timestamps: Timestamp[] = [];
  for (const address of authorities?.addresses ?? []) {
    const { token, timestamp } = await askAuthority(address, signedBytes(commitment), { ...authorities!, signal });
    tokens.push(Buffer.from(token).toString("base64"));
    timestamps.push(timestamp);
  }
  return { commitment: { ...commitment, timestamps: [...commitment.timestamps, ...tokens] }, timestamps };
}

/** @throws KEY_NOT_LAYERED */
export function requireLayered(key: ModelKey): LayeredKey {
  if ("root" in key) return key as LayeredKey;
  throw new WeightmarkError("KEY_NOT_LAYERED", `key ${key.id} has one secret for all layers`);
}

/** A commitment to a key that the model does not carry would be found out only when it is needed. */
async function requireMark(
  marked: Checkpoint,
  key: LayeredKey,
  { base, payload, threads, signal }: CommitOptions,
): Promise<VerifyResult> {
  const result = await verifyWatermark(marked, {
    key,
    payload: payload ?? null,
    threads,
    signal,
    ...(base === undefined ? {} : { base }),
  });
  const named = payload ?? null;
  if (!result.present) {
    throw new WeightmarkError("COMMITMENT_WITHOUT_MARK", "no mark of this key is in the model", {
      file: marked.location,
    });
  }
  if (named !== null && result.payload?.hex !== toHex(named.bytes)) {
    throw new WeightmarkError("COMMITMENT_MISMATCH", "the mark does not say the payload that was given", {
      file: marked.location,
    });
  }
  return result;
}

async function manifestsOf(
  marked: Checkpoint,
  options: CommitOptions,
): Promise<{ readonly marked: Uint8Array; readonly unmarked: Uint8Array | null }> {
  const { unmarked } = options;
  const reading = readingOf(options);
  const ofMarked = await contentManifest(marked, reading);
  const ofUnmarked = unmarked === undefined ? null : await contentManifest(unmarked, reading);
  if (ofUnmarked !== null && Buffer.compare(ofMarked, ofUnmarked) === 0) {
    throw new WeightmarkError("COMMITMENT_MISMATCH", "the unmarked model is the marked one", {
      file: unmarked!.location,
    });
  }
  return { marked: ofMarked, unmarked: ofUnmarked };
}

function readingOf({ threads, signal }: CommitOptions): FullPassOptions {
  return { ...(threads === undefined ? {} : { threads }), ...(signal === undefined ? {} : { signal }) };
}

/** Numbers of layers that have a slot of their own, from the highest of the marked model. */
function layersOf(marked: Checkpoint): number {
  const highest = addressedViews(marked).reduce((most, { layer }) => Math.max(most, layer), 0);
  return Math.min(1023, highest + 1);
}

function withSalt(content: Uint8Array): { salt: string; content: string } {
  return { salt: newSalt(), content: toHex(content) };
}

function newSalt(): string {
  return randomBytes(SALT_BYTES).toString("hex");
}

function saltedRoot(purpose: "marked" | "unmarked", { salt, content }: { salt: string; content: string }): string {
  return saltedHash(purpose, Buffer.from(salt, "hex"), Buffer.from(content, "hex"));
}
