import { z } from "zod";
import { bigCount, count, envelope } from "./common.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const root = sha256.describe("SHA-256 over the digests of all resources: the model's digest by OpenSSF Model Signing");
const hash = z.enum(["sha256", "blake2b", "blake3"]);
const shardSize = count.nullable().describe("bytes of the pieces that files were hashed in; null for whole files");
const uncovered = z.array(z.string()).describe("files of no bytes, which a signature of pieces does not cover");
const ignored = z.array(z.string()).describe("paths that are there and were left out");

export const signSchema = z
  .strictObject({
    ...envelope("sign"),
    inputs: z.strictObject({ model: z.strictObject({ location: z.string() }) }),
    output: z.strictObject({ location: z.string() }).describe("the signature that was written"),
    signed: z.strictObject({
      method: z.enum(["key", "certificate"]),
      curve: z.enum(["P-256", "P-384", "P-521"]),
      name: z.string().describe("what the signature calls the model"),
      digest: root,
      hash,
      shardSize,
      files: count,
      resources: count.describe("files, or pieces of files"),
      bytes: bigCount,
      ignored,
      uncovered,
    }),
  })
  .meta({ title: "weightmark sign", description: "A signature of a model by OpenSSF Model Signing v1.0." });

export const signedBy = z.discriminatedUnion("method", [
  z.strictObject({ method: z.literal("key"), key: sha256.describe("SHA-256 of the public key's PEM") }),
  z.strictObject({
    method: z.literal("certificate"),
    subject: z.string(),
    issuer: z.string(),
    fingerprint: sha256,
    notBefore: z.iso.datetime(),
    notAfter: z.iso.datetime(),
  }),
  z.strictObject({ method: z.literal("sigstore"), identity: z.string(), issuer: z.string() }),
]);

export const verifySchema = z
  .strictObject({
    ...envelope("verify"),
    inputs: z.strictObject({
      model: z.strictObject({ location: z.string() }),
      signature: z.strictObject({ location: z.string() }),
    }),
    holds: z.boolean().describe("who signed is proven, and the files are those that were signed"),
    code: z.string().nullable().describe("why not: one of the error codes"),
    reason: z.string().nullable(),
    detail: z.string().nullable().describe("what to do next"),
    signedBy: signedBy.nullable().describe("null where it is not proven: nothing below is known then"),
    signed: z
      .strictObject({
        name: z.string().describe("what the signer called the model"),
        digest: root,
        resources: count,
        serialization: z.strictObject({
          hash,
          shardSize,
          allowSymlinks: z.boolean(),
          ignorePaths: z.array(z.string()).describe("what the signer left out"),
        }),
      })
      .nullable(),
    files: z
      .strictObject({
        verified: count.describe("files whose content is what was signed"),
        bytes: bigCount.describe("that were hashed"),
        changed: z.array(z.strictObject({ path: z.string(), why: z.string() })),
        missing: z.array(z.string()),
        unsigned: z.array(z.string()).describe("there, and not signed"),
        ignored,
        uncovered,
      })
      .nullable(),
  })
  .meta({
    title: "weightmark verify",
    description: "Who signed a model, and whether its files are those that were signed.",
  });
