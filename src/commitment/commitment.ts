import { createHash } from "node:crypto";
import { z } from "zod";
import { WeightmarkError } from "../errors.ts";
import { parseStrictJson } from "../signing/strict-json.ts";
import { releaseProblem } from "../watermark/key/key-record.ts";
import { canonicalJson } from "./canonical-json.ts";
import { isSigned } from "./statement-signature.ts";

export const COMMITMENT_FORMAT = "weightmark/commitment@1";

/** Commitments with many time stamps, their openings, and disclosures of hundreds of layers stay below. */
export const MAX_FILE_BYTES = 8 << 20;
/** Layers that have a slot of their own in a key. */
const MOST_LAYERS = 1023;
const MAX_TIMESTAMPS = 16;
/** 256 KiB of token in base64. */
const MAX_TOKEN_TEXT = 349_528;

export const hash = z.string().regex(/^[0-9a-f]{64}$/);
const carrier = z.enum(["orientation", "spread", "embedding", "head", "difference", "subspace"]);

/** What is signed. Nothing in it is secret. */
const statement = z
  .strictObject({
    format: z.literal(COMMITMENT_FORMAT),
    tool: z.strictObject({ name: z.literal("weightmark"), version: z.string().regex(/^[!-~]{1,64}$/) }),
    key: z.strictObject({
      id: z.string().regex(/^[0-9a-f]{16}$/),
      release: z.string().refine((text) => releaseProblem(text) === null),
      root: hash.describe("SHA-256 root of the hash tree over the secrets of all layers"),
      publicKey: hash.describe("Ed25519, of the key that signs, which follows from the watermark key"),
    }),
    model: z.strictObject({
      layers: z.int().min(1).max(MOST_LAYERS).describe("numbers of layers: 0 to this less one"),
      marked: hash.describe("salted digest of the contents of the marked copy"),
      unmarked: hash.nullable().describe("salted digest of the contents of the unmarked model"),
      base: hash
        .nullable()
        .describe("digest of the contents of the public base, all of them, of a mark in the difference to it"),
      sketch: hash.nullable().describe("BLAKE3 of the sketch"),
    }),
    mark: z.strictObject({
      mode: z.enum(["release", "derivative"]),
      carriers: z.array(carrier).min(1).max(6).describe("those that say by themselves that the mark is there"),
      payloadBits: z.literal([0, 32, 64, 128]),
      payload: hash.nullable().describe("salted digest of the payload"),
    }),
  })
  .describe("what is signed, as the bytes of its RFC 8785 form");

export const commitmentSchema = z
  .strictObject({
    statement,
    signature: z
      .string()
      .regex(/^[0-9a-f]{128}$/)
      .describe("Ed25519 over the RFC 8785 form of the statement"),
    timestamps: z
      .array(
        z
          .string()
          .max(MAX_TOKEN_TEXT)
          .regex(/^[A-Za-z0-9+/]+={0,2}$/),
      )
      .max(MAX_TIMESTAMPS)
      .describe("RFC 3161 tokens over the RFC 8785 form of the statement, DER in base64"),
  })
  .meta({ title: "weightmark commitment", description: "A key and a model, committed to before their release." });

export type Statement = z.infer<typeof statement>;
export type Commitment = z.infer<typeof commitmentSchema>;

/** The bytes that are signed and stamped. */
export function signedBytes({ statement }: Pick<Commitment, "statement">): Uint8Array {
  return canonicalJson(statement);
}

/** What a commitment is called: SHA-256 of the bytes that are signed, hex. */
export function commitmentDigest(commitment: Pick<Commitment, "statement">): string {
  return createHash("sha256").update(signedBytes(commitment)).digest("hex");
}

/** JSON with an end of line, the same bytes for the same commitment. */
export function serializeCommitment({ statement, signature, timestamps }: Commitment): Uint8Array {
  return Buffer.from(`${JSON.stringify({ statement, signature, timestamps }, null, 2)}\n`, "utf8");
}

/**
 * A commitment whose signature holds. Its time stamps have not been looked at.
 *
 * @throws COMMITMENT_MALFORMED, COMMITMENT_FORGED
 */
export function parseCommitment(bytes: Uint8Array, file: string): Commitment {
  const malformed = (message: string) => new WeightmarkError("COMMITMENT_MALFORMED", message, { file });
  const parsed = commitmentSchema.safeParse(parsedJson(bytes, malformed));
  if (!parsed.success) throw malformed("the file is no commitment of this version");
  const { statement, signature } = parsed.data;
  if (!isSigned(statement.key.publicKey, signedBytes(parsed.data), signature)) {
    throw new WeightmarkError("COMMITMENT_FORGED", "the signature of the commitment does not hold", { file });
  }
  return parsed.data;
}

/** What the text says, in which no key stands twice; `problem` makes what is thrown where it says nothing. */
export function parsedJson(bytes: Uint8Array, problem: (message: string) => WeightmarkError): unknown {
  return parseStrictJson(bytes, (why) => problem(`the file is no JSON: ${why}`));
}
