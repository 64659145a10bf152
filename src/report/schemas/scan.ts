import { z } from "zod";
import { bigCount, count, direction, envelope, hash, log10P, readingDepth, relation, verdict } from "./common.ts";

const location = z.string().describe("a path as it was found, hf:org/name@commit, or an address");
const code = z.string().describe("one of the closed list in docs/errors.md");

const requests = z
  .strictObject({ api: count, resolve: count, storage: count })
  .describe("requests sent, by what the limits of a Hub tell apart; storage is every other origin");

export const scanItemSchema = z
  .strictObject({
    ...envelope("scan-item"),
    id: z.string().describe("the same model of the same scan has the same id"),
    name: z.string(),
    location,
    revision: z.string().nullable().describe("commit of a Hub repository"),
    status: z.enum(["done", "duplicate", "skipped", "failed"]),
    duplicateOf: z
      .string()
      .nullable()
      .describe("id of the item with the same weights, whose answers are repeated here"),
    failure: z
      .strictObject({
        code,
        message: z.string(),
        detail: z.string().nullable().describe("what to do next"),
        passing: z
          .boolean()
          .describe("the network or the machine failed, not the model: resuming the scan tries it again"),
      })
      .nullable(),
    verdict: verdict.nullable().describe("the best candidate's; null where there is no answer or none was asked for"),
    summary: z.string().nullable(),
    matches: z
      .array(
        z.strictObject({
          name: z.string(),
          verdict,
          direction,
          relations: z.array(relation),
          log10P,
          matchedLayers: count,
          claim: z.string().optional().describe("what is claimed of the model, to be said after its name"),
        }),
      )
      .describe("registered bases, best first, at most 3"),
    caveats: z.array(z.string()),
    marks: z.array(
      z.strictObject({
        keyId: z.string(),
        level: z.string().describe("none, evidence, strong or forensic, corrected for the number of keys"),
        present: z.boolean(),
        log2P: z.number().nullable(),
        payload: z.string().nullable().describe("hex"),
      }),
    ),
    content: hash.nullable().describe("over SHA-256 and size of the weight files, where known without reading them"),
    sampledRoot: hash.nullable().describe("over the sampled values, whatever names, order, sharding and metadata"),
    family: z.string().nullable(),
    parameters: bigCount.nullable(),
    bytesTotal: bigCount.nullable(),
    work: z
      .strictObject({
        cached: z.boolean().describe("the fingerprint came from the cache"),
        bytesRead: bigCount,
        requests,
        elapsedMs: z.number().nullable(),
      })
      .optional()
      .describe("what the answer cost this time; left out of deterministic reports"),
  })
  .meta({ title: "weightmark scan item", description: "What came of one model of a scan." });

export const scanTargetSchema = z
  .strictObject({
    ...envelope("scan-target"),
    id: z.string(),
    name: z.string(),
    location,
    revision: z.string().nullable().describe("commit of a Hub repository"),
    content: hash.nullable().describe("over SHA-256 and size of the weight files, where known without reading them"),
    bytes: bigCount.nullable().describe("of the weights, where known"),
  })
  .meta({ title: "weightmark scan target", description: "A model that a scan would read: what a dry run prints." });

export const scanSummarySchema = z
  .strictObject({
    ...envelope("scan-summary"),
    inputs: z.array(z.string()),
    include: z.array(z.string()),
    exclude: z.array(z.string()),
    allowLinks: z.array(z.string()).optional().describe("directories that links may lead into; left out for none"),
    depth: readingDepth,
    registry: z
      .strictObject({ location: z.string(), digest: hash })
      .nullable()
      .describe("null when models were held against no registry"),
    keys: z.array(z.string()).describe("ids of the watermark keys that every model was held against"),
    maxBytes: bigCount.nullable(),
    timeout: z.number().nullable().describe("seconds that one model may take"),
    complete: z.boolean().describe("every model found has a result, and none failed for a passing reason"),
    interrupted: z.boolean().describe("stopped from outside before it was done"),
    exitCode: count,
    listed: count.describe("models found; of an interrupted scan perhaps not all there are"),
    done: count,
    duplicates: count,
    skipped: count,
    failed: count,
    verdicts: z.array(z.strictObject({ verdict, count })).describe("from the strongest claim down; duplicates count"),
    marked: count.describe("models with the mark of at least one key"),
    reasons: z
      .array(z.strictObject({ status: z.enum(["skipped", "failed"]), code, passing: z.boolean(), count }))
      .describe("why models have no result"),
    bytesTotal: bigCount.describe("of all weights, where known"),
    work: z
      .strictObject({
        replayed: count.describe("results of earlier runs of the same scan"),
        read: count,
        cached: count,
        bytesRead: bigCount,
        requests: requests.describe("for models"),
        listing: requests.describe("sent by this run to find the models"),
        elapsedMs: z.number().nullable().describe("of this run"),
      })
      .optional()
      .describe("what the scan cost, earlier runs included; left out of deterministic reports"),
  })
  .meta({ title: "weightmark scan summary", description: "What a scan covered and found." });
