import { z } from "zod";

export const errorSchema = z
  .strictObject({
    error: z.strictObject({
      code: z.string().describe("one of the closed list in docs/errors.md"),
      message: z.string(),
      detail: z.string().describe("what to do next"),
      file: z.string().optional(),
      tensor: z.string().optional(),
    }),
  })
  .meta({ title: "weightmark error", description: "Printed on stderr when a command that prints JSON fails." });
