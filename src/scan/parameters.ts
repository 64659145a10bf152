import { z } from "zod";
import type { ReadingDepth } from "../fingerprint/fingerprint.ts";

/** What decides the results of a scan, and nothing else: equal parameters and equal targets, equal results. No secrets. */
export interface ScanParameters {
  /** What the user named, in order: roots, addresses, "org:NAME", "list:" and a digest of the list. */
  readonly inputs: readonly string[];
  /** Address of the Hub that names mean; absent where nothing of a Hub can be named. */
  readonly hub?: string | undefined;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Directories that links may lead into; absent where there are none. */
  readonly allowLinks?: readonly string[] | undefined;
  readonly depth: ReadingDepth;
  /** Whether models are held against a registry; its digest, so that all are held against the same. */
  readonly registry: string | null;
  /** Ids of the watermark keys, sorted. */
  readonly keys: readonly string[];
  /** Bytes that may be read of one model, or null. */
  readonly maxBytes: number | null;
  /** Seconds that one model may take, or null. */
  readonly timeout: number | null;
  /** Version of the tool. */
  readonly version: string;
}

const schema = z.strictObject({
  inputs: z.array(z.string()),
  hub: z.string().optional(),
  include: z.array(z.string()),
  exclude: z.array(z.string()),
  allowLinks: z.array(z.string()).optional(),
  depth: z.enum(["sampled", "full", "deep"]),
  registry: z.string().nullable(),
  keys: z.array(z.string()),
  maxBytes: z.number().nullable(),
  timeout: z.number().nullable(),
  version: z.string(),
});

/** Parameters as they were stored, or null when these are none. */
export function parseParameters(value: unknown): ScanParameters | null {
  return schema.safeParse(value).data ?? null;
}

/** Names of the parameters in which two scans differ; none when one can go on with the other's results. */
export function differingFields(a: ScanParameters, b: ScanParameters): (keyof ScanParameters)[] {
  const fields = Object.keys(schema.shape) as (keyof ScanParameters)[];
  return fields.filter((field) => JSON.stringify(a[field]) !== JSON.stringify(b[field]));
}
