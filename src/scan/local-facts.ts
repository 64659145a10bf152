import { stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { fsPath, realPath } from "../bytes/path-text.ts";
import { isOnnxName } from "../checkpoint/array-names.ts";
import { indexedContent, weightContent } from "../checkpoint/hub/content.ts";
import { digestOf } from "../registry/digest.ts";
import type { ScanTarget } from "./target.ts";

/** What is known of weights on this machine without reading them. */
export type Facts = Pick<ScanTarget, "content" | "identity" | "bytes">;

const NO_FACTS: Facts = { content: null, identity: null, bytes: null };

/**
 * What is known of files without reading them.
 *
 * @param index that names them, or null
 * @param names of the weight files below `directory`; null when the index could not be read
 */
export async function factsOf(
  directory: string,
  index: string | null,
  names: readonly string[] | null,
  believed: string | null,
): Promise<Facts> {
  // A model of ONNX names the files of its weights itself: what is known of it alone says nothing of them.
  if (names === null || names.some(isOnnxName)) return NO_FACTS;
  const lines: string[] = [];
  const files: { path: string; size: number; sha256: string | null }[] = [];
  let hash: string | null = null;
  for (const name of index === null ? names : [index, ...names]) {
    const path = join(directory, name);
    const stats = await stat(fsPath(path), { bigint: true }).catch(() => null);
    if (stats === null) return NO_FACTS;
    lines.push(`${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs}\n`);
    const blob = believed === null ? null : await blobName(path, believed);
    if (name === index) hash = blob;
    else files.push({ path: name, size: Number(stats.size), sha256: blob?.length === 64 ? blob : null });
  }
  return {
    content: index === null ? weightContent(files) : indexedContent(hash, files),
    identity: digestOf(lines.join("")),
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
}

/** In the Hub's cache a file is a link to its blob, which is named by its SHA-256 where it is of LFS, else by its git hash. */
async function blobName(path: string, hubCache: string): Promise<string | null> {
  const real = await realPath(path).catch(() => null);
  if (real === null || !real.startsWith(hubCache + sep)) return null;
  const within = real.slice(hubCache.length + 1).replaceAll(sep, "/");
  return /^models--[^/]+\/blobs\/([0-9a-f]{40}|[0-9a-f]{64})$/.exec(within)?.[1] ?? null;
}
