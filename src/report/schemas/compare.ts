import { z } from "zod";
import { component, count, direction, envelope, input, learned, log10P, relation, verdict } from "./common.ts";

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
      axis: z.enum(["residual", "neurons", "channels", "tokens"]),
      seenFrom: z
        .enum(["tokens", "anchors", "untrained"])
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
    matrices: z
      .array(z.strictObject({ component: z.string(), layer: z.int(), role: z.string(), drift: z.number().nullable() }))
      .optional()
      .describe("drift by matrix, where slices of related parts could be compared"),
  }),
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
    ...comparison.shape,
  })
  .meta({
    title: "weightmark compare",
    description: "Whether two models share trained weights, and on what evidence.",
  });
