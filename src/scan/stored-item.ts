import { z } from "zod";
import { ERRORS } from "../errors.ts";
import { VERDICT_ORDER } from "../lineage/result.ts";
import type { ScanItem } from "./item.ts";

const count = z.int().min(0);
const text = z.string().nullable();
const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .nullable();
const verdict = z.enum(VERDICT_ORDER);

const failure = z.object({
  code: z.string().refine((code) => Object.hasOwn(ERRORS, code)),
  message: z.string(),
  detail: text,
  passing: z.boolean(),
});

const match = z.object({
  name: z.string(),
  verdict,
  direction: z.enum(["suspect-from-base", "base-from-suspect", "siblings", "not-established"]),
  relations: z.array(z.string()),
  log10P: z.number().nullable(),
  matchedLayers: count,
  claim: z.string().optional(),
});

const mark = z.object({
  keyId: z.string(),
  level: z.string(),
  present: z.boolean(),
  log2P: z.number(),
  payload: text,
});

const item = z.object({
  id: z.string(),
  name: z.string(),
  location: z.string(),
  revision: text,
  content: hash,
  identity: text.optional(),
  notes: z.array(z.string()).optional(),
  status: z.enum(["done", "duplicate", "skipped", "failed"]),
  duplicateOf: text,
  failure: failure.nullable(),
  verdict: verdict.nullable(),
  summary: text,
  matches: z.array(match),
  caveats: z.array(z.string()),
  marks: z.array(mark),
  sampledRoot: hash,
  family: text,
  parameters: count.nullable(),
  cached: z.boolean(),
  bytesRead: count,
  bytesTotal: count.nullable(),
  requests: z.object({ api: count, resolve: count, storage: count }),
  elapsedMs: z.number().nullable(),
  finishedAt: text,
});

/**
 * What came of a target, out of a stored value, or null for what is no such thing. Checks of a journal tell that nobody altered
 * it by accident; anyone who writes one anew makes its checks as well, and what it says is reported like what was just found.
 * Nothing is kept but what an item has: what else stands there may be nested deeper than anyone who walks through it can follow
 * (CWE-674).
 */
export function scanItemOf(value: unknown): ScanItem | null {
  const parsed = item.safeParse(value);
  return parsed.success ? (parsed.data as ScanItem) : null;
}
