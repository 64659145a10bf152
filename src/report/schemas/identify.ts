import { z } from "zod";
import {
  component,
  count,
  direction,
  envelope,
  hash,
  input,
  log10P,
  readingParameters,
  relation,
  verdict,
} from "./common.ts";
import { comparison } from "./compare.ts";

export const identifySchema = z
  .strictObject({
    ...envelope("identify"),
    inputs: z.strictObject({ suspect: input }),
    parameters: z
      .strictObject({ ...readingParameters, limit: count.optional() })
      .optional()
      .describe("what was asked for; left out where all stood at their defaults"),
    verdict: verdict.describe("the best candidate's"),
    summary: z.string(),
    candidates: z.array(
      z.strictObject({
        name: z.string(),
        root: z.boolean(),
        verdict,
        direction,
        relations: z.array(relation),
        log10P,
        matchedLayers: count,
        components: z.array(component),
        claim: z.string().optional().describe("what is claimed of the suspect, to be said after its name"),
        basis: z
          .enum(["exact", "calibrated"])
          .optional()
          .describe("what the verdict rests on, where the deep tests gave it: calibrated has no p-value"),
      }),
    ),
    comparison: comparison.nullable().describe("with the best candidate, in full; null when there is none"),
    registry: z.strictObject({
      location: z.string(),
      entries: count,
      digest: hash,
      updatedAt: z.string().nullable(),
    }),
    caveats: z.array(z.string()),
  })
  .meta({ title: "weightmark identify", description: "Which registered bases a model shares trained weights with." });
