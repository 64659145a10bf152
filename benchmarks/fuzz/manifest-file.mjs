import { memorySource } from "../../dist/src/bytes/memory-source.js";
import { checkOf } from "../../dist/src/fingerprint/file-check.js";
import { readSafetensorsHeader } from "../../dist/src/formats/safetensors/header.js";
import { serializeSafetensors } from "../../dist/src/formats/safetensors/writer.js";
import { changedBytes } from "./bytes.mjs";
import { changedJson } from "./json-tree.mjs";

/**
 * A file of ours that keeps a manifest beside its numbers (a fingerprint, a sketch) with something of it changed. The check of
 * the whole is made anew or left out, as by somebody who knows how: else nothing behind it would ever be reached.
 *
 * @param file the sound file
 */
export function changedManifestFile(random, file) {
  return changedParts(random, file, (metadata, data) => {
    const manifest = random.chance(0.8)
      ? changedJson(random, JSON.parse(metadata.get("manifest")))
      : metadata.get("manifest");
    const changed = new Map([...metadata, ["manifest", manifest]]);
    if (random.chance(0.5)) changed.delete("check");
    else changed.set("check", checkOf(manifest, [...data.values()]));
    return changed;
  });
}

/**
 * The same with metadata of one's own making.
 *
 * @param remade makes the metadata from what it was, and from the data of all tensors by name
 */
export async function changedParts(random, file, remade) {
  const bytes = Uint8Array.from(file);
  if (random.chance(0.05)) return changedBytes(random, bytes);
  const { tensors, metadata } = await readSafetensorsHeader(memorySource(bytes));
  const parts = [...tensors.values()].map(({ name, dtype, shape, begin, end }) => {
    return { name, dtype, shape, data: bytes.slice(begin, end) };
  });
  if (random.chance(0.25)) changeData(random, random.pick(parts));
  return serializeSafetensors(parts, remade(metadata, new Map(parts.map(({ name, data }) => [name, data]))));
}

const FLOATS = [0, -0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, 3e38, 1e-45, -3e38];

/** Other numbers, or more or fewer of them. */
function changeData(random, part) {
  const bytes = Uint8Array.from(part.data);
  if (part.shape.length === 1 && random.chance(0.3)) {
    const size = bytes.length / Math.max(1, part.shape[0]);
    // Of no numbers there are never more.
    if (size === 0) return;
    const count = random.small(part.shape[0] + 3);
    const longer = new Uint8Array(size * count);
    longer.set(bytes.subarray(0, longer.length));
    Object.assign(part, { shape: [count], data: longer });
    return;
  }
  const view = new DataView(bytes.buffer);
  for (let left = 1 + random.small(8); left > 0 && bytes.length >= 4; left--) {
    view.setFloat32(4 * random.below(bytes.length >> 2), random.pick(FLOATS), true);
  }
  part.data = bytes;
}
