/** Repositories of real size that lie nowhere: a stand-in makes the bytes that are asked for (FileSource in hub.d.mts). */
import { createHash } from "node:crypto";
import { headerOf, indexOf, llamaTensors, shardName, shardsOf } from "./llama-layout.mjs";
import { dataBytes, vectorsOf } from "./weights.mjs";

export const LAYOUTS = {
  tiny: { layers: 2, width: 64, ffn: 160, vocabulary: 128, heads: 2, kvHeads: 1 },
  "1b": { layers: 16, width: 2048, ffn: 8192, vocabulary: 32_000, heads: 32, kvHeads: 8 },
  "7b": { layers: 32, width: 4096, ffn: 11_008, vocabulary: 32_000, heads: 32, kvHeads: 32 },
  "70b": { layers: 80, width: 8192, ffn: 28_672, vocabulary: 32_000, heads: 64, kvHeads: 8 },
};

/** Files of a repository, and the bytes of its weights. */
export function largeModel(seed, layout, shardCount) {
  const shards = shardsOf(llamaTensors(LAYOUTS[layout]), shardCount);
  const files = Object.fromEntries(
    shards.map((shard, i) => [shardName(i, shardCount), weightFile(`${seed} ${i}`, shard)]),
  );
  const bytes = Object.values(files).reduce((sum, { size }) => sum + size, 0);
  if (shardCount > 1) files["model.safetensors.index.json"] = indexOf(shards);
  files["config.json"] = JSON.stringify({ model_type: "llama" });
  return { files, bytes };
}

function weightFile(seed, tensors) {
  const header = headerOf(tensors);
  const vectors = vectorsOf(tensors);
  const size = header.length + tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const read = (start, end) => {
    const head = header.subarray(start, Math.min(end, header.length));
    if (end <= header.length) return head;
    const data = dataBytes(seed, vectors, Math.max(0, start - header.length), end - header.length);
    return Buffer.concat([head, data]);
  };
  // Not the digest of the content, which nobody computes, but one that is different for different contents.
  return { size, sha256: createHash("sha256").update(`${seed} ${size}`).digest("hex"), read };
}
