import { z } from "zod";
import { bigCount, count, depth, envelope, hash } from "./common.ts";

const entry = z.strictObject({
  digest: hash,
  name: z.string(),
  root: z.boolean(),
  parts: z
    .array(
      z.strictObject({
        component: z.string(),
        of: hash.describe("digest of the entry that it comes from"),
        name: z.string().nullable().describe("of that entry; null when it is not registered any more"),
      }),
    )
    .describe("components that come from other entries: no direction is claimed on their ground"),
  addedAt: z.string().nullable(),
  bytes: count,
  version: count,
  family: z.string(),
  depth,
  parameters: bigCount,
});

export const registrySchema = z
  .strictObject({
    ...envelope("registry"),
    action: z.enum(["add", "list", "show", "remove", "export", "import", "verify"]),
    registry: z.strictObject({
      location: z.string(),
      entries: count,
      digest: hash,
      generation: count,
      updatedAt: z.string().nullable(),
    }),
    entries: z.array(entry).optional().describe("list, show"),
    changes: z
      .array(
        z.strictObject({
          status: z.enum(["added", "unchanged", "replaced", "removed"]),
          entry,
          notes: z.array(z.string()).describe("add: what was recorded unasked, and what cannot be tested"),
        }),
      )
      .optional()
      .describe("add, remove, import"),
    output: z.strictObject({ location: z.string() }).optional().describe("export"),
    problems: z
      .array(
        z.strictObject({
          code: z.string(),
          digest: hash.nullable(),
          name: z.string().nullable(),
          message: z.string(),
        }),
      )
      .optional()
      .describe("verify; empty when everything is as registered"),
  })
  .meta({ title: "weightmark registry", description: "Registered fingerprints and what was done to them." });
