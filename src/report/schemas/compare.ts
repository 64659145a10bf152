import { z } from "zod";
import {
  component,
  count,
  direction,
  envelope,
  input,
  learned,
  log10P,
  readingParameters,
  relation,
  verdict,
} from "./common.ts";

const imageCount = z.strictObject({ blocks: count, equal: count });

/** What a comparison says, without the envelope. */
export const comparison = z.strictObject({
  verdict,
  summary: z.string(),
  claim: z.string().describe("what the summary claims, to be said after the suspect's name"),
  direction,
  relations: z.array(relation),
  parents: z.array(z.strictObject({ name: z.string(), log10P })),
  log10P,
  threshold: z.number().describe("log10 of the corrected p that a claim needs"),
  log10Tried: z.number().describe("log10 of the number of hypotheses that log10P is corrected for"),
  components: z.array(component),
  tests: z.array(
    z.strictObject({
      name: z.string(),
      component: z.string(),
      axis: z.enum(["residual", "neurons", "channels", "tokens", "ranks"]),
      seenFrom: z
        .enum(["tokens", "anchors", "untrained", "starts"])
        .optional()
        .describe("of a deep test: what labels were seen from, whatever was done to the residual stream"),
      z: z.number().nullable(),
      log10P,
      exact: z.boolean(),
      n: count,
      m: count,
      turned: z.literal(true).optional().describe("rows were turned first, by what other labels said"),
      r: z.number().nullable().optional(),
      fixedPoints: count.optional(),
      monteCarloP: z.number().nullable().optional(),
      assumptions: z.array(z.string()),
    }),
  ),
  layers: z.array(
    z.strictObject({
      component: z.string(),
      suspect: z.int(),
      base: z.int().nullable(),
      log10P,
      agreement: z.number().nullable(),
    }),
  ),
  difference: z.strictObject({
    scale: z.number().nullable(),
    reverseScale: z.number().nullable(),
    drift: z.number().nullable(),
    frozenTensors: count,
    comparedTensors: count,
    loraRank: count.optional(),
    quantization: z.string().optional(),
    spectra: z
      .array(
        z.strictObject({
          component: z.string(),
          layer: z.int(),
          role: z.string(),
          values: z.array(z.number().nullable()),
        }),
      )
      .optional()
      .describe(
        "singular values of a difference of low rank, by matrix, over the largest that the rounding of slices gives; at most 32",
      ),
    matrices: z
      .array(z.strictObject({ component: z.string(), layer: z.int(), role: z.string(), drift: z.number().nullable() }))
      .optional()
      .describe("drift by matrix, where slices of related parts could be compared"),
  }),
  image: z
    .strictObject({
      side: z.enum(["suspect", "base"]).describe("which of the two was rounded"),
      scheme: z.string().describe("what it was rounded to, for people; the wording may change"),
      way: z.string().nullable().describe("what the original was rounded to before, where that is the same for all"),
      everywhere: z.boolean().describe("whether all blocks were held against the levels of the file, else a sample"),
      tensors: count,
      requantised: imageCount.nullable().describe("blocks quantised anew, and those of them that are equal to the bit"),
      nearest: imageCount.describe("blocks, and those of them whose values are the nearest of the file's levels"),
      worst: z
        .strictObject({ tensor: z.string(), halfSteps: z.number(), within: z.number() })
        .describe("the tensor with the largest distance in half steps, and its share of values within one"),
      whole: z
        .boolean()
        .describe("whether all that both hold is an original and its image: the verdict is recast then"),
      byTensor: z
        .array(
          z.strictObject({
            tensor: z.string(),
            scheme: z.string(),
            nearest: imageCount,
            requantised: imageCount.nullable(),
            halfSteps: z.number(),
            within: z.number(),
          }),
        )
        .optional()
        .describe("tensors that were compared, those of which least is the original's first, at most 256"),
    })
    .optional()
    .describe("where one of the two was rounded to few levels, and the weights of both are at hand"),
  deep: z
    .strictObject({
      basis: z
        .enum(["exact", "calibrated"])
        .nullable()
        .describe("what the verdict rests on; null where nothing is claimed"),
      moved: z.array(z.string()).describe("such as residual-rotated, neurons; the list may grow"),
      strength: z.strictObject({ gate: z.number(), through: z.number(), tokens: z.number().nullable() }).nullable(),
      learned,
    })
    .optional()
    .describe("of the deep tests, where they were asked for and the plain ones were silent"),
  caveats: z.array(z.string()),
});

export const compareSchema = z
  .strictObject({
    ...envelope("compare"),
    inputs: z.strictObject({ suspect: input, base: input }),
    parameters: z
      .strictObject({ depth: readingParameters.depth, root: z.literal(true).optional() })
      .optional()
      .describe("what was asked for; left out where all stood at their defaults"),
    ...comparison.shape,
  })
  .meta({
    title: "weightmark compare",
    description: "Whether two models share trained weights, and on what evidence.",
  });
