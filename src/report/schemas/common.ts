import { z } from "zod";

/** Whole numbers that may leave the range of a double are decimal strings. */
export const bigCount = z.string().regex(/^\d+$/).describe("a whole number in decimal digits");
export const count = z.int().min(0);
export const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe("BLAKE3, hex");
export const log10P = z.number().nullable().describe("log10 of a p-value; null where there is none");
export const verdict = z.enum(["identical", "recast", "derived", "shared-init", "no-evidence", "not-testable"]);
export const direction = z.enum(["suspect-from-base", "base-from-suspect", "siblings", "not-established"]);
export const depth = z.enum(["sampled", "full"]);
export const readingDepth = z.enum(["sampled", "full", "deep"]);

/** Fields of every result; `kind` is the name in `schema`. */
export function envelope<Kind extends string>(kind: Kind) {
  return {
    schema: z.literal(`weightmark/${kind}@1` as const),
    tool: z.strictObject({ name: z.literal("weightmark"), version: z.string() }),
    startedAt: z.iso.datetime().optional().describe("left out of deterministic reports"),
    finishedAt: z.iso.datetime().optional().describe("left out of deterministic reports"),
    nonFinite: z
      .array(z.strictObject({ path: z.string(), value: z.literal(["NaN", "Infinity", "-Infinity"]) }))
      .optional()
      .describe("numbers that JSON cannot hold: null at this JSON pointer"),
  };
}

/** One side of a comparison, as it was found. */
export const input = z.strictObject({
  location: z.string(),
  kind: z.enum(["model", "fingerprint"]),
  revision: z.string().nullable(),
  manifestRoot: hash.describe("BLAKE3 over names, types and shapes of all tensors"),
  sampledRoot: hash.describe("BLAKE3 over the sampled values, whatever names, order, sharding and metadata"),
  contentRoot: hash.nullable().describe("BLAKE3 over all stored values, likewise; null at depth sampled"),
  depth,
  family: z.string(),
  parameters: bigCount,
  bytesRead: bigCount,
  bytesTotal: bigCount,
});

const learnedRetention = z.strictObject({
  share: z.number().describe("share of what training wrote that the other model has"),
  error: z.number().nullable().describe("its standard error"),
  bulk: z.number().describe("share of the initialisation that the other model has"),
  spread: z.number().describe("standard deviation of bulk over slices"),
  directions: z.number().describe("directions that training wrote, per slice"),
  slices: count,
});

export const learned = z
  .strictObject({ baseInSuspect: learnedRetention, suspectInBase: learnedRetention })
  .nullable()
  .describe("learned retention both ways round");

export const component = z.strictObject({
  component: z.string().describe("the stack of the base, by the path of its tensors"),
  suspectComponent: z.string().describe("the stack of the suspect that it was held against"),
  verdict,
  log10P,
  r: z.number().nullable(),
  retention: z.number().nullable().describe("share of the base's training that the suspect has"),
  learned,
  reason: z.string().nullable(),
});

/** Left out where all stood at their defaults. */
export const readingParameters = {
  depth: readingDepth.optional(),
  deep: z.literal(true).optional().describe("fingerprints were taken with what finds labels that were moved"),
};

export const relation = z.string().describe("such as fine-tune, lora, quantized; the list may grow");
