import { z } from "zod";
import { bigCount, count, envelope, hash } from "./common.ts";

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
    components: z.array(z.strictObject({ component: z.string(), layers: count, matrices: count })),
    dtypes: z.array(z.strictObject({ dtype: z.string(), tensors: count, bytes: bigCount })),
    roles: z.array(z.strictObject({ role: z.string(), matrices: count })),
    notes: z.array(z.string()),
  })
  .meta({ title: "weightmark inspect", description: "What the headers of a model say; no weights are read." });
