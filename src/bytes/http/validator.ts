import { WeightmarkError } from "../../errors.ts";
import type { HttpReply } from "./http-client.ts";

/** By what two replies are known to be of one file. */
export interface Validator {
  /** As it came, weak ones with their W/, or null. */
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/** What a Hub says of a file as it sends one on to its storage. */
export interface LinkedFile {
  readonly etag: string | null;
  /** 40 hex digits, or whatever stands there, or null. */
  readonly commit: string | null;
}

export const validatorOf = ({ headers }: HttpReply): Validator => ({
  etag: headers.get("etag") ?? null,
  lastModified: headers.get("last-modified") ?? null,
});

export const linkedFileOf = ({ firstHeaders }: HttpReply): LinkedFile => ({
  etag: firstHeaders.get("x-linked-etag") ?? null,
  commit: firstHeaders.get("x-repo-commit") ?? null,
});

/** Whether an ETag stands for exactly these bytes (RFC 9110, 8.8.1). */
export const isStrong = (etag: string | null): etag is string => etag !== null && /^"[^"]*"$/.test(etag);

/** Equal strong ETags settle it; else everything that is there must be as it was. The size is compared elsewhere. */
export function sameFile(a: Validator, b: Validator): boolean {
  return a.etag === b.etag && (isStrong(a.etag) || a.lastModified === b.lastModified);
}

/** The SHA-256 that an ETag of the Hub is, hex, or null where it is something else. */
export function sha256Of(etag: string | null): string | null {
  return /^"?([0-9a-f]{64})"?$/i.exec(etag ?? "")?.[1]?.toLowerCase() ?? null;
}

/** @param how completes "the file ..." */
export function changed(how: string, location: string): WeightmarkError {
  return new WeightmarkError("CHANGED_DURING_READ", `the file ${how}`, {
    file: location,
    detail: "Run again; name a commit rather than a branch.",
  });
}
