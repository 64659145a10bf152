import { describe, expect, it } from "vitest";
import { subjectName } from "../../../src/lineage/subject-name.ts";

describe("subjectName", () => {
  it.each([
    ["models/llama/", "llama"],
    ["/m/model.safetensors", "model.safetensors"],
    ["/c/hub/models--meta-llama--Llama-2-13b-hf/snapshots/0123456789abcdef", "meta-llama/Llama-2-13b-hf@0123456"],
    ["/c/hub/models--gpt2/snapshots/abc", "gpt2@abc"],
    ["/c/hub/models--a--b--c/snapshots/abc/", "a/b--c@abc"],
    ["/c/hub/models--a--b/snapshots/abc/model.safetensors", "model.safetensors"],
    ["/", "/"],
    [`hf:org/model@0123456${"a".repeat(33)}`, "org/model@0123456"],
    [`hf:org/model@0123456${"a".repeat(33)}/sub/model.gguf`, "org/model@0123456/sub/model.gguf"],
    [`hf:org/model@0123456${"a".repeat(34)}`, `org/model@0123456${"a".repeat(34)}`],
    ["hf:org/model@main", "org/model@main"],
    ["https://example.org/files/model.safetensors", "model.safetensors"],
    ["/m/models.zip!/a/llama", "models.zip!/a/llama"],
    ["/m/models.zip!/", "models.zip"],
    ["hf:org/adapter+hf:org/base", "org/adapter+org/base"],
  ])("of %s is %s", (location, name) => {
    expect(subjectName(location)).toBe(name);
  });
});
