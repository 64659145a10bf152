import { layerCodes } from "../../dist/src/fingerprint/layer-codes.js";
import { packCodes } from "../../dist/src/registry/packed-codes.js";
import { buildRegistryIndex, indexedSource } from "../../dist/src/registry/registry-index.js";

/** A registry of these bases, `{ digest, name, root, parts, fingerprint }`, that lies nowhere. */
export function registryOf(bases) {
  const sorted = [...bases].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const packed = sorted.map(({ fingerprint }) => packCodes(layerCodes(fingerprint)));
  const about = { entries: sorted.length, digest: "ab".repeat(32), updatedAt: null };
  const index = buildRegistryIndex(about, sorted, { length: packed.length, at: (place) => packed[place] });
  return indexedSource(index, async (digest) => sorted.find((base) => base.digest === digest).fingerprint);
}
