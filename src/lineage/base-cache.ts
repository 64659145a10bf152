import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import type { CandidateSource } from "./candidate-source.ts";

/** Bytes of bases kept per registry: some forty of 7B models. A scan meets the same ones again and again. */
const MAX_BYTES = 128 << 20;

interface CachedBase {
  readonly fingerprint: Fingerprint;
  readonly bytes: number;
}

/** Least recently used first. Gone with the registry they were loaded from. */
const caches = new WeakMap<CandidateSource, Map<string, CachedBase>>();

/** The registered fingerprint of this digest. A digest stands for one content, so a kept one is as good as a fresh one. */
export async function loadBase(registry: CandidateSource, digest: string): Promise<Fingerprint> {
  let cache = caches.get(registry);
  if (cache === undefined) {
    cache = new Map();
    caches.set(registry, cache);
  }
  const found = cache.get(digest);
  if (found !== undefined) {
    cache.delete(digest);
    cache.set(digest, found);
    return found.fingerprint;
  }
  const fingerprint = await registry.load(digest);
  cache.set(digest, { fingerprint, bytes: footprint(fingerprint) });
  let total = 0;
  for (const { bytes } of cache.values()) total += bytes;
  for (const [oldest, { bytes }] of cache) {
    if (total <= MAX_BYTES) break;
    cache.delete(oldest);
    total -= bytes;
  }
  return fingerprint;
}

/** About what a fingerprint holds in memory, and what comparisons remember of its slices. */
function footprint({ sketches, slices, tensors, deep, attention }: Fingerprint): number {
  const signs = sketches.reduce((n, s) => n + s.bits.byteLength + 16 * s.sampled.length + 1000, 0);
  const values = slices.reduce(
    (n, s) => n + s.q.byteLength + s.scale.byteLength + 8 * (s.height ** 2 + s.height + s.width),
    0,
  );
  return signs + values + partBytes(deep) + partBytes(attention) + 500 * tensors.length;
}

/** Of all numbers in a part, however deep they lie. */
function partBytes(part: unknown): number {
  if (ArrayBuffer.isView(part)) return part.byteLength;
  if (typeof part !== "object" || part === null) return 0;
  return Object.values(part).reduce((sum: number, one) => sum + partBytes(one), 0);
}
