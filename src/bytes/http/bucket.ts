import type { HttpCounters } from "./http-client.ts";

/** What a Hub's limits tell apart: its API, its resolvers, and the storage they send one on to, which has none. */
export type RequestKind = "api" | "resolve" | "storage";

/** @param from where the user's address began: whatever lies elsewhere is storage */
export function requestKind(url: URL, from: URL): RequestKind {
  if (url.origin !== from.origin) return "storage";
  // The Hub serves small files from /api/resolve-cache/, which it counts as it counts what led there.
  if (url.pathname.includes("/resolve/") || url.pathname.startsWith("/api/resolve-cache/")) return "resolve";
  return url.pathname.startsWith("/api/") ? "api" : "storage";
}

export type Counters = { -readonly [Name in keyof HttpCounters]: number };

export function newCounters(): Counters {
  return { api: 0, resolve: 0, storage: 0, retries: 0, waitedMs: 0, bytes: 0 };
}
