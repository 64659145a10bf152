import { z } from "zod";
import { bigCount, count, envelope, hash } from "./common.ts";

const number = z.number().nullable().describe("null where it is not finite: see nonFinite");

const model = z.strictObject({
  location: z.string(),
  manifestRoot: hash.describe("BLAKE3 over names, types and shapes of all tensors"),
  modelType: z.string().describe("of config.json"),
  bytesRead: bigCount.describe("every batch reads the weights again"),
  bytesTotal: bigCount,
});

export const qualitySchema = z
  .strictObject({
    ...envelope("quality"),
    inputs: z.strictObject({
      a: model,
      b: model,
      tokens: z.strictObject({ location: z.string(), kind: z.enum(["text", "token-ids"]) }),
    }),
    engine: z.string().describe("who multiplied matrices"),
    context: count.describe("tokens of a window; windows do not overlap"),
    windows: count,
    tokens: count.describe("predicted tokens"),
    vocabulary: count.describe("logits per position that were compared"),
    nll: z
      .strictObject({
        a: number,
        b: number,
        difference: number.describe("b - a"),
        interval: z
          .strictObject({
            low: number,
            high: number,
            level: z.number(),
            blocks: count.describe("blocks of consecutive tokens taken as independent"),
          })
          .nullable()
          .describe("of the difference: Student's t over blocks, paired; null with fewer than four blocks"),
      })
      .describe("mean negative log-likelihood per token, in nats"),
    perplexity: z.strictObject({ a: number, b: number, ratio: number.describe("b over a") }),
    divergence: number.describe("mean KL(a || b) per token, in nats"),
    agreement: z.number().min(0).max(1).describe("part of the tokens where both put the same one first"),
    logits: z.strictObject({
      compared: bigCount,
      maxDifference: number,
      bitEqual: z.boolean().describe("every logit of a equals that of b to the bit"),
    }),
    summary: z.string(),
    caveats: z.array(z.string()),
  })
  .meta({ title: "weightmark quality", description: "How two models predict the same tokens." });
