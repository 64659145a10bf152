import { readdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { removeLeftovers } from "../../bytes/temporary-name.ts";

/** About 200,000 fingerprints of small models, or 10,000 of models of 7B. */
export const MAX_CACHE_BYTES = 10 * 2 ** 30;

/** What is left after pruning, so that it is not needed after every scan. */
const KEPT = 0.9;

interface Entry {
  readonly path: string;
  readonly bytes: number;
  readonly usedMs: number;
}

/**
 * Removes the entries that were used least lately until a cache fits. Called when a scan ends: until then a cache may
 * outgrow its bound by what one scan adds. Never fails: what cannot be removed stays.
 *
 * @returns how many entries were removed
 */
export async function pruneCache(directory: string, maxBytes = MAX_CACHE_BYTES): Promise<number> {
  const entries: Entry[] = [];
  for (const shard of await readdir(directory).catch(() => [])) {
    // Nothing but what a cache makes is ever removed: somebody may have named the wrong directory.
    if (!/^[0-9a-f]{2}$/.test(shard)) continue;
    await removeLeftovers(join(directory, shard));
    for (const name of await readdir(join(directory, shard)).catch(() => [])) {
      if (!/^[0-9a-f]{64}$/.test(name) || !name.startsWith(shard)) continue;
      const path = join(directory, shard, name);
      const found = await stat(path).catch(() => null);
      if (found?.isFile()) entries.push({ path, bytes: found.size, usedMs: found.mtimeMs });
    }
  }
  let size = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  if (size <= maxBytes) return 0;
  let removed = 0;
  for (const { path, bytes } of entries.sort((a, b) => a.usedMs - b.usedMs)) {
    if (size <= KEPT * maxBytes) break;
    const isGone = await unlink(path).then(
      () => true,
      () => false,
    );
    if (!isGone) continue;
    size -= bytes;
    removed += 1;
  }
  return removed;
}
