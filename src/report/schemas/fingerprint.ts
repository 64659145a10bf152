import { z } from "zod";
import { count, envelope, hash, input, readingParameters } from "./common.ts";

export const fingerprintSchema = z
  .strictObject({
    ...envelope("fingerprint"),
    inputs: z.strictObject({ model: input }),
    parameters: z
      .strictObject(readingParameters)
      .optional()
      .describe("what was asked for; left out where all stood at their defaults"),
    output: z.strictObject({ location: z.string(), bytes: count, digest: hash }),
    fingerprint: z.strictObject({
      version: count,
      confidence: z.number().min(0).max(1).describe("1 when every tensor name was understood"),
      dtypes: z.record(z.string(), count),
      tensors: count,
      sketches: count,
      slices: count,
      layers: count,
      notes: z.array(z.string()),
    }),
  })
  .meta({ title: "weightmark fingerprint", description: "A fingerprint file that was written." });
