import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { readCtranslate2 } from "../../../src/formats/ctranslate2/read-ctranslate2.ts";
import { refusal } from "../../support/refusal.ts";
import { ct2Of } from "../../support/tar-file.mjs";

const read = (bytes: Uint8Array) => readCtranslate2(memorySource(bytes, "model.bin"));
const variable = { name: "a/weight", shape: [2, 3] };

describe("readCtranslate2", () => {
  it.each([2, 3, 4, 5, 6])("reads version %i of the format", async (version) => {
    const bytes = ct2Of({
      version,
      variables: [variable, { name: "b", type: 1, shape: [4] }, { name: "n", type: 2, data: Buffer.from([8, 0]) }],
      aliases: [["c", "b"]],
    });
    const { spec, variables, aliases } = await read(bytes);
    expect(spec).toBe("TransformerSpec");
    expect(
      [...variables.values()].map(({ name, dtype, shape, begin, end }) => [name, dtype, shape, end - begin]),
    ).toEqual([
      ["a/weight", "F32", [2, 3], 24],
      ["b", "I8", [4], 4],
      ["n", "I16", [], 2],
    ]);
    expect([...aliases]).toEqual(version < 3 ? [] : [["c", "b"]]);
  });

  it("reads every type, and variables beyond one window", async () => {
    const variables = [0, 1, 2, 3, 4, 5].map((type) => ({ name: `v${type}`, type, shape: [50_000] }));
    const found = await read(ct2Of({ variables }));
    expect([...found.variables.values()].map(({ dtype }) => dtype)).toEqual(["F32", "I8", "I16", "I32", "F16", "BF16"]);
  });

  it.each([0, 1, 7, 2 ** 31])("refuses version %i", async (version) => {
    await refusal(read(ct2Of({ version, variables: [] })), "CT2_VERSION");
  });

  it.each<[string, Parameters<typeof ct2Of>[0]]>([
    ["a variable twice", { variables: [variable, variable] }],
    ["nine dimensions", { variables: [{ name: "a", shape: Array(9).fill(1) }] }],
    ["an unknown type", { variables: [{ name: "a", type: 6, shape: [1], bytes: 1 }] }],
    ["an unknown size of elements", { version: 3, variables: [{ name: "a", type: 8, shape: [1], bytes: 8 }] }],
    ["fewer bytes than the shape needs", { variables: [{ ...variable, bytes: 23 }] }],
    [
      "a shape whose product is beyond 2^53",
      { variables: [{ name: "a", shape: Array(8).fill(2 ** 32 - 1), bytes: 4 }] },
    ],
    ["bytes that are not there", { variables: [{ name: "a", shape: [2 ** 30 - 1], bytes: 8, said: 2 ** 32 - 4 }] }],
    ["an alias that is a variable", { variables: [variable], aliases: [["a/weight", "a/weight"]] }],
    [
      "an alias twice",
      {
        variables: [variable],
        aliases: [
          ["b", "a/weight"],
          ["b", "a/weight"],
        ],
      },
    ],
    ["an alias of nothing", { variables: [variable], aliases: [["b", "c"]] }],
    ["bytes behind the end", { variables: [variable], after: Buffer.from("x") }],
    ["fewer variables than are counted", { variables: [variable], count: 3 }],
    ["no aliases where they are counted", { variables: [variable], aliasCount: 1 }],
    ["a name without an end", { spec: Buffer.from("Spec") }],
    ["a name with an end in its middle", { spec: Buffer.from("Sp\0ec\0") }],
    ["a name of nothing", { spec: Buffer.from("\0") }],
    ["a name that is too long", { spec: Buffer.concat([Buffer.alloc(5000, 0x61), Buffer.alloc(1)]) }],
    ["a name that is not UTF-8", { spec: Buffer.from([0xff, 0]) }],
  ])("refuses %s", async (_what, made) => {
    await refusal(read(ct2Of(made)), "CT2_MALFORMED");
  });

  it("bounds variables, aliases and names", async () => {
    await refusal(read(ct2Of({ count: 2 ** 31 })), "CT2_LIMIT");
    await refusal(read(ct2Of({ aliasCount: 2 ** 31 })), "CT2_LIMIT");
    const long = "n".repeat(4080);
    const variables = Array.from({ length: 4200 }, (_, i) => ({ name: `${long}${i}`, type: 1, shape: [0] }));
    await refusal(read(ct2Of({ variables })), "CT2_LIMIT");
  });
});
