import type { Depth } from "../fingerprint/fingerprint.ts";

/** What decides the results of a scan, and nothing else: equal parameters and equal targets, equal results. No secrets. */
export interface ScanParameters {
  /** What the user named, in order: roots, addresses, "org:NAME", "list:" and a digest of the list. */
  readonly inputs: readonly string[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly depth: Depth;
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
