import { z } from "zod";
import { commitmentTime, opened } from "./commit.ts";
import { bigCount, count, envelope, hash } from "./common.ts";

const carrierName = z.enum(["orientation", "spread", "embedding", "head", "difference", "subspace"]);
const mode = z.enum(["release", "derivative"]).describe("derivative: the mark is in the difference to a public base");
const keyId = z.string().regex(/^[0-9a-f]{16}$/);
const log2P = z.number().max(0).describe("log2 of a p-value");
const payload = z.strictObject({
  hex: z.string().regex(/^([0-9a-f]{2})*$/),
  text: z.string().nullable(),
  bits: count,
});
const model = z.strictObject({ location: z.string(), bytesTotal: bigCount });

const capacityOfCarrier = z.strictObject({
  name: carrierName,
  payloadBits: count.nullable().describe("0: the zero-bit mark; null: nothing fits"),
  units: count.describe("neurons and pairs, weights, or projections that carry it"),
  statistic: z.number().nullable().describe("expected of the untouched copy, in standard deviations under the null"),
  alpha: z.number().nullable().describe("mark of one chip over its noise"),
  decodesTo: z.number().nullable().describe("least correlation with the marked weights at which the payload is read"),
  detectsTo: z.number().nullable().describe("least correlation at which p is below 2^-64"),
  note: z.string().nullable(),
});

export const watermarkCapacitySchema = z
  .strictObject({
    ...envelope("watermark-capacity"),
    inputs: z.strictObject({ model }),
    parameters: bigCount,
    rho: z.number(),
    mode,
    payloadBits: count.nullable(),
    carriers: z.array(capacityOfCarrier),
    predictedRms: z.number(),
    caveats: z.array(z.string()),
  })
  .meta({ title: "weightmark watermark capacity", description: "What mark fits into a model, and what it survives." });

export const watermarkEmbedSchema = z
  .strictObject({
    ...envelope("watermark-embed"),
    inputs: z.strictObject({ model }),
    keyId,
    release: z.string(),
    mode,
    rho: z.number(),
    payload: payload.nullable(),
    carriers: z.array(
      z.strictObject({
        ...capacityOfCarrier.shape,
        achieved: z.number().describe("statistic of the copy that was written"),
        rms: z.number().nullable().describe("RMS of the change over RMS of the marked weights"),
      }),
    ),
    output: z.strictObject({ directory: z.string(), files: count, bytes: bigCount }),
    sketch: z.strictObject({ path: z.string(), bytes: bigCount }).nullable(),
    caveats: z.array(z.string()),
  })
  .meta({ title: "weightmark watermark embed", description: "The marked copy that was written." });

/** A file or model that decides with the suspect what is found: named so that nobody exchanges it unseen. */
const against = z.strictObject({
  location: z.string(),
  digest: hash.describe("BLAKE3 of the sketch or tokenizer file, or sampled root of the base"),
});

export const watermarkVerifySchema = z
  .strictObject({
    ...envelope("watermark-verify"),
    inputs: z.strictObject({
      model,
      base: against.nullable(),
      reference: against.nullable().describe("the sketch"),
      tokenizer: against.nullable().describe("the tokenizer.json that was named"),
    }),
    parameters: z
      .strictObject({
        payload: z.string().optional().describe("hex: the payload that was claimed"),
        without: z.literal(true).optional().describe("layers that were opened to others were left out"),
      })
      .optional()
      .describe("what was asked for beside the inputs; left out where nothing was"),
    present: z.boolean(),
    level: z.enum(["none", "evidence", "strong", "forensic"]).describe("p <= 2^-40, 2^-64, 2^-128"),
    log2P,
    log2Tried: z.number().describe("log2 of the number of hypotheses that log2P is corrected for"),
    payload: z.strictObject({ ...payload.shape, how: z.enum(["claimed", "decoded"]) }).nullable(),
    carriers: z.array(
      z.strictObject({
        name: carrierName,
        payloadBits: count,
        statistic: z.number(),
        log2P: log2P.describe("of this carrier alone, not corrected"),
        present: z.boolean(),
        gain: z.number().nullable(),
        synchronised: z.boolean(),
      }),
    ),
    decoys: z
      .strictObject({
        count,
        rank: count.describe("1: no decoy key scores as high"),
        ks: z.strictObject({ statistic: z.number(), p: z.number() }),
        histogram: z
          .strictObject({ low: z.number(), width: z.number().positive(), counts: z.array(count) })
          .optional()
          .describe("decoys by the statistic of their best carrier, in bins from low on"),
      })
      .nullable(),
    keyId,
    release: z.string(),
    mode,
    alignment: z
      .strictObject({
        rotation: z.string(),
        layers: count,
        layersMatched: count,
        agreement: z.number().nullable(),
        tried: count,
      })
      .nullable(),
    commitment: z
      .strictObject({
        location: z.string(),
        digest: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .describe("SHA-256 of what was signed and stamped"),
        time: commitmentTime,
        opened: opened.nullable().describe("what a disclosure opened; null with the whole key"),
      })
      .optional()
      .describe("left out where no commitment was given"),
    caveats: z.array(z.string()),
  })
  .meta({ title: "weightmark watermark verify", description: "Whether a model carries the mark of a key." });
