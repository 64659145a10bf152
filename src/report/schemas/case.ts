import { z } from "zod";
import { commitSchema } from "./commit.ts";
import { bigCount, count, envelope, hash } from "./common.ts";
import { compareSchema } from "./compare.ts";
import { fingerprintSchema } from "./fingerprint.ts";
import { identifySchema } from "./identify.ts";
import { scanItemSchema, scanSummarySchema } from "./scan.ts";
import { signedBy, verifySchema } from "./signing.ts";
import { watermarkVerifySchema } from "./watermark.ts";

const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe("SHA-256, hex");
const inputName = z
  .string()
  .regex(/^[A-Za-z0-9._@+/-]{1,120}$/)
  .describe("what the case calls an input");
const line = z.string().max(500);
const note = z.string().max(10_000);

const inputKind = z.enum(["model", "fingerprint", "registry", "sketch", "tokenizer", "commitment", "signature"]);

/** By what an input is recognised again. */
const digests = z.strictObject({
  sampledRoot: hash.optional().describe("over the sampled values, whatever names, order, sharding and metadata"),
  contentRoot: hash.optional().describe("over all stored values, likewise"),
  manifestRoot: hash.optional().describe("over names, types and shapes of all tensors"),
  content: hash.optional().describe("over SHA-256 and size of the weight files"),
  registry: hash.optional().describe("of all that is registered"),
  file: hash.optional().describe("of the bytes of a file"),
  statement: sha256.optional().describe("of what was committed"),
  signed: sha256.optional().describe("of a model by OpenSSF Model Signing"),
});

const inputRecord = z.strictObject({
  name: inputName,
  kind: inputKind,
  location: z.string().describe("as the result names it; the last part alone in a redacted case"),
  revision: z.string().nullable().describe("commit of a Hub repository"),
  digests: digests.describe("as the results say; without any, only files tell whether it is the same"),
  files: z
    .array(z.strictObject({ path: z.string(), bytes: bigCount, sha256 }))
    .nullable()
    .describe("what was hashed when the input itself was given; null where it was not, and of registries"),
  fingerprints: z
    .array(z.strictObject({ name: z.string(), digest: hash }))
    .nullable()
    .describe("of a registry that was given: the fingerprints behind the candidates of the results"),
});

const result = z.discriminatedUnion("schema", [
  compareSchema,
  identifySchema,
  fingerprintSchema,
  watermarkVerifySchema,
  verifySchema,
  commitSchema,
  scanItemSchema,
  scanSummarySchema,
]);

const resultRecord = z.strictObject({
  file: z
    .strictObject({ name: z.string(), digest: sha256.nullable().describe("of its bytes; null in a redacted case") })
    .describe("the file that the result was taken from"),
  inputs: z.array(
    z.strictObject({
      role: z.string().describe("such as suspect, base, model, registry"),
      name: inputName,
      called: z.string().describe("what the result calls it"),
    }),
  ),
  result,
});

const environment = z.strictObject({
  tool: z.strictObject({
    name: z.literal("weightmark"),
    version: z.string(),
    digest: sha256.describe("over the tool's own files, by path"),
  }),
  node: z.string(),
  platform: z.string().describe("operating system and processor"),
});

const logEntry = z.strictObject({
  number: count.describe("from 1 on"),
  time: z.iso.datetime().nullable().describe("by the clock of the machine; null where times were left out"),
  action: z
    .enum(["identification", "collection", "acquisition", "preservation"])
    .describe("opened; results taken in; inputs themselves hashed; sealed: words of ISO/IEC 27037"),
  by: line.nullable().describe("who, as given"),
  note: note.nullable(),
  environment,
  covers: z
    .array(z.strictObject({ what: z.enum(["case", "input", "result"]), name: z.string(), digest: sha256 }))
    .describe("what was recorded: digests of its RFC 8785 form with paths reduced to their last part"),
  previous: sha256.nullable().describe("digest of the entry before; null of the first"),
  digest: sha256.describe("of the RFC 8785 form of this entry without this field"),
});

export const caseSchema = z
  .strictObject({
    ...envelope("case"),
    title: line,
    examiner: line.nullable(),
    notes: z.array(note),
    redacted: z.boolean().describe("paths were reduced to their last part"),
    inputs: z.array(inputRecord),
    results: z.array(resultRecord),
    log: z.array(logEntry).min(1).describe("chain of custody: each entry holds the digest of the one before"),
  })
  .meta({
    title: "weightmark case",
    description:
      "Results with all that is needed to check them again. As the predicate of a signed in-toto statement it is sealed.",
  });

const outcome = z.enum(["reproduced", "changed", "missing", "not-checked"]);

export const caseVerifySchema = z
  .strictObject({
    ...envelope("case-verify"),
    location: z.string(),
    holds: z.boolean().describe("who sealed the case is proven, and its log is whole"),
    code: z.string().nullable().describe("why not: one of the error codes"),
    reason: z.string().nullable(),
    detail: z.string().nullable().describe("what to do next"),
    sentence: z.string(),
    signedBy: signedBy.nullable().describe("null where it is not proven: nothing below is known then"),
    case: z
      .strictObject({
        title: line,
        examiner: line.nullable(),
        redacted: z.boolean(),
        sealedAt: z.iso.datetime().nullable().describe("by the clock of the machine that sealed it"),
        entries: count.describe("of the log"),
        head: sha256.describe("digest of the last entry of the log"),
      })
      .nullable(),
    inputs: z.array(
      z.strictObject({
        name: inputName,
        kind: inputKind,
        status: z.enum(["unchanged", "changed", "missing", "not-checked"]),
        compared: z.array(z.string()).describe("digests that were computed again"),
        details: z.array(z.string()),
      }),
    ),
    results: z.array(
      z.strictObject({
        number: count.describe("from 1 on, in the order of the case"),
        schema: z.string(),
        sentence: z.string().describe("what the case recorded"),
        status: outcome,
        details: z.array(z.string()).describe("what differs, what is missing, or why it was not checked"),
      }),
    ),
    environment: z
      .strictObject({
        recorded: z.array(environment).describe("of the tool that wrote the case, each once"),
        here: environment,
        same: z.boolean().describe("the tool's own files are the recorded ones"),
      })
      .nullable(),
    caveats: z.array(z.string()),
  })
  .meta({
    title: "weightmark case verify",
    description: "Whether a sealed case is whole, and which of its results came out again.",
  });
