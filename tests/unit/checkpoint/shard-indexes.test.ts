import { truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MAX_INDEX_BYTES, MAX_SHARDS } from "../../../src/checkpoint/limits.ts";
import type { ErrorCode } from "../../../src/errors.ts";
import { weights } from "../../support/hub-remote.ts";
import { type Files, INDEX, index, model, opened, refused } from "../../support/model-directory.ts";

describe("shard indexes", () => {
  const shards = { "a.safetensors": weights("x"), "b.safetensors": weights("y") };
  const map = { x: "a.safetensors", y: "b.safetensors" };

  it("opens every shard, from the directory or from the index itself", async () => {
    const directory = model({ ...shards, [INDEX]: index(map) });
    for (const location of [directory, join(directory, INDEX)]) {
      const { names, notes } = await opened(location);
      expect([names, notes]).toEqual([["x@a.safetensors", "y@b.safetensors"], []]);
    }
  });

  it("takes another index when there is only one, and prefers the standard name", async () => {
    const other = "diffusion_pytorch_model.safetensors.index.json";
    expect((await opened(model({ ...shards, [other]: index(map) }))).names).toHaveLength(2);
    const both = await opened(model({ ...shards, [other]: index({}), [INDEX]: index(map) }));
    expect(both.notes).toEqual([`${INDEX} was read and these were not: "${other}"`]);
  });

  it("reads shards in subdirectories", async () => {
    const directory = model({ "parts/a.safetensors": weights("x"), [INDEX]: index({ x: "parts/a.safetensors" }) });
    expect((await opened(directory)).names).toEqual(["x@parts/a.safetensors"]);
  });

  it.each<[string, Files, RegExp]>([
    ["an unlisted shard", { "c.safetensors": weights("z") }, /does not name were not read: "c\.safetensors"/],
    ["a total_size that lies", { [INDEX]: index(map, 999) }, /says total_size 999, the tensors have 2 bytes/],
    ["an unlisted tensor", { "b.safetensors": weights("y", "z") }, /hold 1 tensors that the index does not name/],
    ["a contradicting config", { "config.json": { hidden_size: 77, vocab_size: 1, d_model: "x" } }, /hidden_size 77/],
  ])("notes %s and reads on", async (_what, more, note) => {
    const { names, notes } = await opened(
      model({ ...shards, [INDEX]: index(map, _what === "an unlisted tensor" ? 3 : 2), ...more }),
    );
    expect(names.slice(0, 2)).toEqual(["x@a.safetensors", "y@b.safetensors"]);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(note);
  });

  it("ignores a total_size that is no exact integer", async () => {
    for (const size of [2.5, "2", null, 1e300, [2], { a: 2 }]) {
      expect((await opened(model({ ...shards, [INDEX]: index(map, size) }))).notes).toEqual([]);
    }
  });

  it.each<[string, Files, ErrorCode]>([
    ["an absent shard", { [INDEX]: index({ ...map, z: "c.safetensors" }) }, "SHARD_MISSING"],
    ["a tensor in no shard", { [INDEX]: index({ ...map, z: "a.safetensors" }) }, "INDEX_TENSOR_MISSING"],
    [
      "a tensor in another shard than it says",
      { [INDEX]: index({ x: "b.safetensors", y: "a.safetensors" }) },
      "INDEX_TENSOR_MISSING",
    ],
    ["a truncated shard", { "b.safetensors": weights("y").subarray(0, -1) }, "ST_DATA_TRUNCATED"],
    ["a path out of the directory", { [INDEX]: index({ x: "../a.safetensors" }) }, "SHARD_PATH_REFUSED"],
    ["an index that is no JSON", { [INDEX]: "{" }, "INDEX_INVALID"],
  ])("refuses %s", async (_what, more, code) => {
    await refused(model({ ...shards, [INDEX]: index(map), ...more }), code);
  });

  it("refuses an index too large, unread", async () => {
    const directory = model({ [INDEX]: "" });
    truncateSync(join(directory, INDEX), MAX_INDEX_BYTES + 1);
    await refused(directory, "INDEX_TOO_LARGE");
  });

  it("bounds the number of shards and of keys", async () => {
    const many = Array.from({ length: MAX_SHARDS + 1 }, (_, i) => [String(i), `${i}.safetensors`]);
    await refused(model({ [INDEX]: index(Object.fromEntries(many)) }), "INDEX_TOO_LARGE");
    await refused(model({ [INDEX]: Object.fromEntries(many) }), "INDEX_TOO_LARGE");
    const metadata = { metadata: Object.fromEntries(many), weight_map: map };
    await refused(model({ [INDEX]: metadata }), "INDEX_TOO_LARGE");
  });

  it("reads an index of half a million tensors", async () => {
    const entries = Array.from(
      { length: 500_000 },
      (_, i) => `"model.layers.${i}.mlp.experts.gate_up_proj.weight":"a.safetensors"`,
    );
    const directory = model({ "a.safetensors": weights("x"), [INDEX]: `{"weight_map":{${entries.join(",")}}}` });
    const error = await refused(directory, "INDEX_TENSOR_MISSING");
    expect(error.tensor).toBe("model.layers.0.mlp.experts.gate_up_proj.weight");
  });
});
