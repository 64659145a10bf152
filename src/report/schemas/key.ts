import { z } from "zod";
import { envelope } from "./common.ts";

const keyId = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .describe("what reports call the key; says nothing of its material");

export const keySchema = z
  .strictObject({
    ...envelope("key"),
    action: z.enum(["generate", "show", "rotate", "reseal"]),
    key: z
      .strictObject({
        location: z.string(),
        id: keyId,
        release: z.string(),
        created: z.iso.datetime(),
        replaces: keyId.nullable().describe("the key of the release before"),
        layered: z.boolean().describe("whether layers have secrets of their own: what commit needs"),
        sealed: z.boolean().describe("whether a passphrase is needed to use it"),
      })
      .describe("the key file that was made or asked about"),
  })
  .meta({ title: "weightmark key", description: "What may be known of a watermark key; never its material." });
