import { z } from "zod";
import { bigCount, count, envelope } from "./common.ts";

export const doctorSchema = z
  .strictObject({
    ...envelope("doctor"),
    ok: z.boolean(),
    platform: z.strictObject({
      node: z.string(),
      os: z.string(),
      arch: z.string(),
      cpus: count,
      memory: bigCount.describe("bytes"),
    }),
    checks: z.array(
      z.strictObject({ name: z.string(), status: z.enum(["ok", "absent", "failed"]), detail: z.string() }),
    ),
  })
  .meta({ title: "weightmark doctor", description: "What this installation can do here, each found by trying it." });
