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
  ])("of %s is %s", (location, name) => {
    expect(subjectName(location)).toBe(name);
  });
});
