import { z } from "zod";
import { bigCount, count, envelope, hash } from "./common.ts";

const named = z
  .strictObject({ count, tensors: z.array(z.string()) })
  .describe("how many tensors, and the names of the first ones");

export const inspectSchema = z
  .strictObject({
    ...envelope("inspect"),
    inputs: z.strictObject({
      model: z.strictObject({
        location: z.string(),
        kind: z.enum(["model", "fingerprint"]),
        revision: z.string().nullable(),
        manifestRoot: hash,
        bytesRead: bigCount,
        bytesTotal: bigCount,
      }),
    }),
    container: z.string(),
    files: z.array(z.strictObject({ path: z.string(), bytes: bigCount, tensors: count })),
    tensors: count,
    parameters: bigCount,
    family: z.string(),
    confidence: z.number().min(0).max(1).describe("1 when every tensor name was understood"),
    components: z.array(
      z.strictObject({
        component: z.string(),
        layers: count,
        matrices: count,
        testable: z.boolean().describe("whether the tests of origin apply, as far as can be told"),
        reason: z.string().nullable().describe("why not"),
      }),
    ),
    dtypes: z.array(z.strictObject({ dtype: z.string(), tensors: count, bytes: bigCount })),
    schemes: z
      .array(z.strictObject({ scheme: z.string(), tensors: count }))
      .describe("what values are decoded from, of tensors that are not stored as they are read"),
    roles: z.array(z.strictObject({ role: z.string(), matrices: count })),
    adapter: z
      .strictObject({
        tensors: count,
        kind: z.enum(["lora", "dora", "loha", "lokr", "ia3", "oft", "vera", "prompt", "other"]),
        ofTensors: count,
        base: z.string().nullable().describe("what adapter_config.json names; whoever wrote it may have lied"),
      })
      .nullable()
      .describe("null when no tensor is an adapter's"),
    values: z
      .strictObject({
        tensors: count.describe("of these the first, middle and last values were read: the largest ones"),
        ofTensors: count.describe("tensors of floating-point values"),
        nonFinite: z.strictObject({
          count,
          tensors: z.array(z.strictObject({ tensor: z.string(), share: z.number().min(0).max(1) })),
        }),
        zero: named,
        constant: named,
      })
      .nullable()
      .describe("what was seen in a few values of each tensor; null for a fingerprint file"),
    empty: named,
    notes: z.array(z.string()),
  })
  .meta({
    title: "weightmark inspect",
    description: "What the headers of a model say, and a few values of its tensors.",
  });
