import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MAX_CONFIG_BYTES } from "../../../src/checkpoint/limits.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { weights } from "../../support/hub-remote.ts";
import { model, opened } from "../../support/model-directory.ts";

describe("config.json", () => {
  const withConfig = (content: string | object) =>
    opened(model({ "model.safetensors": weights("a"), "config.json": content }));

  it("is handed on as it is, without a prototype", async () => {
    const { config, notes } = await withConfig('{"model_type":"llama","hidden_size":1,"__proto__":{"polluted":true}}');
    expect(notes).toEqual([]);
    expect(config).toMatchObject({ model_type: "llama", hidden_size: 1 });
    expect([Object.getPrototypeOf(config), config!.toString, ({} as Record<string, unknown>).polluted]).toEqual([
      null,
      undefined,
      undefined,
    ]);
  });

  it("may be absent", async () => {
    const { config, notes } = await opened(model({ "model.safetensors": weights("a") }));
    expect([config, notes]).toEqual([null, []]);
  });

  it.each<[string, string | object, string]>([
    ["broken", "{", "it is not valid JSON"],
    ["empty", "", "it is not valid JSON"],
    ["with a comment", '{"a": 1 // one\n}', "it holds a comment, which JSON does not have"],
    ["a list", [], "it is no JSON object"],
    ["null", "null", "it is no JSON object"],
    ["too long", " ".repeat(MAX_CONFIG_BYTES + 1), `${MAX_CONFIG_BYTES + 1} bytes`],
  ])("is ignored with a note when %s", async (_what, content, reason) => {
    const { config, notes } = await withConfig(content);
    expect([config, notes]).toEqual([null, [`config.json ignored: ${reason}`]]);
  });

  it("is ignored with a note when it is a directory", async () => {
    const { notes } = await opened(model({ "model.safetensors": weights("a"), "config.json/x": "" }));
    expect(notes).toEqual(["config.json ignored: a directory stands where a file is needed"]);
  });

  it("is ignored when its bytes are not UTF-8", async () => {
    const { notes } = await withConfig(Uint8Array.of(0x22, 0xff, 0x22));
    expect(notes).toEqual(["config.json ignored: it is not UTF-8"]);
  });

  it("may hold the numbers that Python writes", async () => {
    const { config, notes } = await withConfig('\ufeff{"a": NaN, "b": [0.0, Infinity], "vocab_size": -Infinity}');
    expect(config).toEqual({ a: Number.NaN, b: [0, Number.POSITIVE_INFINITY], vocab_size: Number.NEGATIVE_INFINITY });
    expect(notes).toEqual(["config.json says vocab_size -Infinity, but no tensor has a dimension of that size"]);
  });

  it("is said to be there where it cannot be used, for whoever needs it", async () => {
    const directory = model({ "model.safetensors": weights("a"), "config.json": "{" });
    const file = join(directory, "model.safetensors");
    const problems = new Map<string, unknown>();
    for (const location of [directory, file, model({ "model.safetensors": weights("a") })]) {
      const checkpoint = await openCheckpoint(location);
      problems.set(location, checkpoint.configProblem);
      await checkpoint.close();
    }
    expect([...problems.values()]).toEqual([
      "config.json is there but cannot be used: it is not valid JSON",
      "a file that is named itself is read without config.json: name its directory",
      null,
    ]);
  });
});
