import { describe, expect, it } from "vitest";
import { modulePattern } from "../../../../src/checkpoint/adapter/module-pattern.ts";

const MODULE = "model.layers.11.self_attn.q_proj";

describe("keys of rank_pattern", () => {
  it.each([
    ["q_proj", true],
    ["self_attn.q_proj", true],
    ["_proj", false],
    ["^self_attn.q_proj", false],
    ["^model.layers.11.self_attn.q_proj$", true],
    [String.raw`layers\.\d+\.self_attn\.[qk]_proj`, true],
    [String.raw`layers\.\d\.self_attn\.[qk]_proj`, false],
    [".*q_proj", true],
    [".*", true],
    ["layers.1+.self_attn.q_proj", true],
    ["layers.12?.self_attn.q_proj", false],
    ["layers.112?.self_attn.q_proj", true],
    [String.raw`\w+_proj`, true],
    ["q_pro", false],
    ["", false],
  ])("%s", (key, isFound) => {
    expect(modulePattern(key)!(MODULE)).toBe(isFound);
  });

  it.each(["(a+)+$", "q|k", "a{3}", "(?=x)", String.raw`\1`, "[^a]", "a**", "[z-a", "[a-]", "x".repeat(600)])(
    "%s is not understood",
    (key) => {
      expect(modulePattern(key)).toBeNull();
    },
  );

  it("are as fast as the text is long, whatever they hold", () => {
    const matches = modulePattern(`${".*a".repeat(150)}b`)!;
    expect(matches("a".repeat(500))).toBe(false);
    expect(matches("a".repeat(501).concat("b"))).toBe(true);
  });
});
