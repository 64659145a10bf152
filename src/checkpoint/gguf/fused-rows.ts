import type { MetadataValue } from "../../formats/gguf/metadata.ts";
import { headsOf } from "./model-facts.ts";
import { ggufName } from "./name-table.ts";
import type { StoredTensor } from "./stored-tensor.ts";

const FUSED = "blk.#.attn_qkv";
const PARTS = ["attn_q", "attn_k", "attn_v"] as const;

/**
 * The tensors of a file of which Hugging Face keeps q, k and v apart, where llama.cpp's converter put their rows one behind the
 * other (`--fuse-qkv`): three tensors for each that its heads divide, which lie in the same bytes.
 *
 * @param isFused whether the architecture has such a tensor itself
 */
export function withParts(
  stored: Iterable<StoredTensor>,
  metadata: ReadonlyMap<string, MetadataValue>,
  isFused: boolean,
): StoredTensor[] {
  return [...stored].flatMap((tensor) => {
    const { pattern, layer, suffix } = ggufName(tensor.name);
    if (isFused || pattern !== FUSED || suffix === "") return [tensor];
    return partsOf(tensor, metadata, layer!) ?? [tensor];
  });
}

function partsOf(
  tensor: StoredTensor,
  metadata: ReadonlyMap<string, MetadataValue>,
  layer: number,
): StoredTensor[] | null {
  const { name, type, shape, elements, begin, end } = tensor;
  const heads = headsOf(metadata, layer);
  const [rows = 0, columns = 1] = shape;
  // Rows are cut apart where each is whole blocks.
  const isCut = type !== undefined && elements > 0 && shape.length <= 2 && columns % type.elements === 0;
  if (heads === null || !isCut) return null;
  const size = rows / (heads.q + 2 * heads.kv);
  if (!Number.isInteger(size)) return null;
  const bytes = (end - begin) / rows;
  let first = 0;
  return PARTS.map((part) => {
    const count = size * (part === "attn_q" ? heads.q : heads.kv);
    const from = begin + first * bytes;
    first += count;
    return {
      ...tensor,
      name: name.replace("attn_qkv", part),
      shape: [count, ...shape.slice(1)],
      elements: count * columns,
      begin: from,
      end: from + count * bytes,
    };
  });
}
