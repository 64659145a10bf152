import { memorySource } from "../../../dist/src/bytes/memory-source.js";
import { readShardIndex } from "../../../dist/src/checkpoint/shard-index.js";
import { roughly } from "../bytes.mjs";
import { hostileText } from "../hostile.mjs";
import { must, mustBePlain, mustStayInside } from "../invariant.mjs";
import { changedJson } from "../json-tree.mjs";

/** Shard indexes: every shard that is accepted lies below the index, and can be shown. */
export const target = {
  name: "shard-index",
  extension: "json",
  make(random) {
    const shard = (i) => {
      const name = `model-${String(i + 1).padStart(5, "0")}-of-00002.safetensors`;
      return random.chance(0.2) ? `${hostileText(random)}${random.pick(["", "/", ".safetensors"])}${name}` : name;
    };
    const names = Array.from({ length: 1 + random.small(6) }, (_, i) => [`layers.${i}.weight`, shard(i % 2)]);
    const index = { metadata: { total_size: 1234 }, weight_map: Object.fromEntries(names) };
    return roughly(random, random.chance(0.3) ? JSON.stringify(index) : changedJson(random, index));
  },
  async check(bytes) {
    const { shards, shardOf, totalSize } = await readShardIndex(memorySource(bytes, "model.safetensors.index.json"));
    must(totalSize === null || Number.isSafeInteger(totalSize), "a total size that is no exact number");
    must(new Set(shards).size === shards.length, "a shard stands twice");
    for (const shard of shards) {
      mustStayInside(shard, "a shard");
      mustBePlain(shard.replaceAll("\n", "\r"), "a shard");
    }
    for (const number of shardOf.values()) must(shards[number] !== undefined, "a tensor in a shard that is none");
  },
};
