import { z } from "zod";
import { commitmentSchema } from "../../commitment/commitment.ts";
import { count, envelope } from "./common.ts";

const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe("SHA-256, hex");

const timestamp = z.strictObject({
  time: z.iso.datetime().describe("when the authority says that it saw the data"),
  latest: z.iso.datetime().describe("the latest that this may have been, by the authority's accuracy"),
  authority: z.string().describe("common name of the certificate that signed"),
  policy: z.string(),
  serial: z.string(),
  trusted: z.boolean().describe("whether it leads to a root that was given"),
});

export const commitmentTime = z.strictObject({
  timestamps: z.array(timestamp),
  by: z.iso.datetime().nullable().describe("committed by then, as a trusted time stamp shows; null where none does"),
  firstSeen: z.iso.datetime().nullable().describe("the suspect's first appearance as given by the user; not proven"),
  order: z.enum(["before", "not-shown"]),
  sentence: z.string(),
});

export const opened = z.strictObject({
  layers: z.array(count).describe("numbers of the layers that were opened"),
  of: count.describe("layers that were committed"),
  isChallenged: z.boolean().describe("whether they follow from the verifier's own challenge"),
  log2Choices: count.describe("log2 of the free choices among layers that p was multiplied by"),
});

export const commitSchema = z
  .strictObject({
    ...envelope("commit"),
    action: z.enum(["make", "stamp", "verify", "open", "print"]),
    location: z.string(),
    digest: sha256.describe("SHA-256 of the RFC 8785 form of the statement: what was signed and stamped"),
    printed: z.array(z.string()).describe("the digest to be typed again, each line with a check behind it"),
    statement: commitmentSchema.shape.statement,
    time: commitmentTime,
    checked: z.array(z.string()).describe("what was held against the commitment and fits"),
    written: z.array(z.strictObject({ path: z.string(), secret: z.boolean() })),
    opened: z
      .strictObject({ layers: z.array(count), of: count, challenge: z.string().nullable(), payload: z.boolean() })
      .nullable(),
    caveats: z.array(z.string()),
  })
  .meta({
    title: "weightmark commit",
    description: "A commitment that was made, stamped, checked, opened or printed.",
  });
