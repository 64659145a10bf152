import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { InspectReport } from "../../src/report/schemas/index.ts";
import { startCommandServer } from "../support/command.ts";
import { rawFile } from "../support/raw-model.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { renamed, type TinyModel, tinyModel, writeModel } from "../support/tiny-model.ts";
import { floats, storage, tensor, torchZip } from "../support/torch-file.mjs";

const root = scratchDirectory();
const server = startCommandServer();
const HOSTILE = "evil\u001b[2J\u202e\r";

afterAll(() => server.stop());

async function inspect(model: string, ...more: string[]): Promise<InspectReport> {
  const result = await server.run(["inspect", model, "--json", ...more], root);
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  return requireValid<InspectReport>("inspect@1", JSON.parse(result.stdout));
}

const textOf = async (model: string) => (await server.run(["inspect", model], root)).stdout;

const asLora = (model: TinyModel): TinyModel =>
  renamed(model, (name) => `base_model.model.${name.replace(".weight", ".lora_A.weight")}`);

function write(name: string, model: TinyModel, beside: Readonly<Record<string, string>> = {}): string {
  writeModel(join(root, name), model);
  for (const [file, text] of Object.entries(beside)) writeFileSync(join(root, name, file), text);
  return name;
}

/** A tiny model with the values of some tensors changed. */
function ill(changes: Readonly<Record<string, (values: Float32Array) => Float32Array>>): TinyModel {
  return new Map(
    [...tinyModel(1)].map(([name, { shape, values }]) => [
      name,
      { shape, values: Object.hasOwn(changes, name) ? changes[name]!(values.slice()) : values },
    ]),
  );
}

it("counts parameters once that a file of PyTorch has under two names", async () => {
  const table = tensor(storage("0", 6), [3, 2]);
  const values = new Map([
    ["embed.weight", table],
    ["head.weight", table],
    ["norm.weight", tensor(storage("1", 2), [2])],
  ]);
  writeFileSync(join(root, "tied.pt"), torchZip(values, { 0: floats([1, 2, 3, 4, 5, 6]), 1: floats([1, 2]) }));
  expect(await inspect("tied.pt")).toMatchObject({ tensors: 3, parameters: "8" });
});

describe("what inspect says of values", () => {
  it("is that a sound model is sound, and testable", async () => {
    const report = await inspect(write("sound", tinyModel(1)));
    const none = { count: 0, tensors: [] };
    expect(report).toMatchObject({
      adapter: null,
      empty: none,
      values: { tensors: 20, ofTensors: 20, nonFinite: none, zero: none, constant: none },
      components: [
        { component: "embeddings", testable: false, reason: expect.stringMatching(/^tables alone/) },
        { component: "model.layers", testable: true, reason: null },
      ],
    });
    expect(Number(report.inputs.model.bytesRead)).toBeLessThanOrEqual(Number(report.inputs.model.bytesTotal));
    const text = await textOf("sound");
    expect(text).toMatch(/^ {2}first, middle and last values of 20 tensors read$/m);
    expect(text).toMatch(/model\.layers .* testable$/m);
    expect(text).not.toMatch(/NaN|zero|Adapter/);
  });

  it("names what is NaN, infinite, all zero or all one value, the worst first", async () => {
    const [q, k, v] = ["q", "k", "v"].map((x) => `model.layers.0.self_attn.${x}_proj.weight`) as [
      string,
      string,
      string,
    ];
    const model = ill({
      [q]: (values) => values.fill(Number.NaN, 0, 16),
      [k]: (values) => values.fill(Number.NEGATIVE_INFINITY),
      [v]: (values) => values.fill(0),
      "model.norm.weight": (values) => values.fill(0.5),
    });
    const report = await inspect(write("ill", model));
    expect(report.values).toMatchObject({
      nonFinite: { count: 2, tensors: [{ tensor: k, share: 1 }, { tensor: q }] },
      zero: { count: 1, tensors: [v] },
      constant: { count: 1, tensors: ["model.norm.weight"] },
    });
    const text = await textOf("ill");
    expect(text).toMatch(/^ {2}NaN or infinite +2 tensors +\S+k_proj\.weight \(100 % of the values read\), \S+q_proj/m);
    expect(text).toMatch(/^ {2}all zero +1 tensor +\S+v_proj\.weight$/m);
    expect(text).toMatch(/^ {2}all one value +1 tensor +model\.norm\.weight$/m);
  });

  it("bounds what is named, and escapes it", async () => {
    const zero = [...Array(100).keys()].map(
      (i) => [`${i}${HOSTILE}`, { shape: [4], values: new Float32Array(4) }] as const,
    );
    const report = await inspect(write("zeros", new Map(zero)));
    expect(report.values!.zero.count).toBe(100);
    expect(report.values!.zero.tensors).toHaveLength(64);
    const text = await textOf("zeros");
    expect(text).toMatch(/all zero +100 tensors .* and 97 more$/m);
    for (const char of ["\u001b", "\u202e", "\r"]) expect(text).not.toContain(char);
  });

  it("keeps to --max-bytes, and says that not all were looked at", async () => {
    write(
      "large",
      new Map([...Array(30).keys()].map((i) => [`t${i}`, { shape: [5000], values: new Float32Array(5000) }])),
    );
    const report = await inspect("large", "--max-bytes", "200kB");
    expect(report.values!.ofTensors).toBe(30);
    expect(report.values!.tensors).toBeGreaterThan(0);
    expect(report.values!.tensors).toBeLessThan(30);
    expect(Number(report.inputs.model.bytesRead)).toBeLessThanOrEqual(200_000);
    const { stdout } = await server.run(["inspect", "large", "--max-bytes", "200kB"], root);
    expect(stdout).toMatch(/values of the largest \d+ of 30 tensors, not of all read/);
  });

  it("names tensors without an element, and reads no integers", async () => {
    mkdirSync(join(root, "odd"), { recursive: true });
    const none = { dtype: "F32" as const, bytes: new Uint8Array(0) };
    const tensors = [
      { name: "hollow", shape: [0, 16], ...none },
      { name: "codes", dtype: "I32" as const, shape: [2], bytes: new Uint8Array(8) },
    ];
    writeFileSync(join(root, "odd", "model.safetensors"), rawFile({ tensors }));
    const report = await inspect("odd");
    expect(report).toMatchObject({ empty: { count: 1, tensors: ["hollow"] }, values: { tensors: 0, ofTensors: 0 } });
    expect(report.notes.at(-1)).toMatch(/no component of it can be tested/);
    expect(await textOf("odd")).toMatch(/no elements +1 tensor +hollow/);
  });
});

describe("what inspect says of adapters", () => {
  const config = (base: unknown) => ({ "adapter_config.json": JSON.stringify({ base_model_name_or_path: base }) });

  it("is their kind, their base as adapter_config.json names it, and what to do", async () => {
    const report = await inspect(write("lora", asLora(tinyModel(1)), config(HOSTILE)));
    expect(report.adapter).toEqual({ tensors: 20, kind: "lora", ofTensors: 20, base: HOSTILE });
    expect(report.components).toEqual([]);
    expect(report.notes.at(-1)).toMatch(/no component of it can be tested/);
    const lone = await inspect(join("lora", "model.safetensors"));
    expect(lone.adapter!.base).toBe(HOSTILE);
    const text = await textOf("lora");
    expect(text).toContain(
      'lora: 20 of 20 tensors; adapter_config.json names the base "evil\\u{1b}[2J\\u{202e}\\u{d}"',
    );
    expect(text).toMatch(
      /merge it into its base first, or name both as adapter\+base: an adapter by itself is tested at depth deep only, against a model/,
    );
    for (const char of ["\u001b", "\u202e", "\r"]) expect(text).not.toContain(char);
  });

  it("is that one lies beside the weights that it changes", async () => {
    const both = new Map([...tinyModel(1), ...asLora(tinyModel(2))]);
    const report = await inspect(write("both", both));
    expect(report).toMatchObject({
      adapter: { tensors: 20, ofTensors: 40, base: null },
      components: [
        { component: "embeddings", testable: false },
        { component: "model.layers", testable: true },
      ],
    });
    expect(await textOf("both")).toMatch(
      /merge it into its base first, or name both as adapter\+base: what is not merged cannot be tested/,
    );
  });

  it.each([
    ["no JSON", "{"],
    ["no object", "[1]"],
    ["null", "null"],
    ["no name", "{}"],
    ["an inherited name", '{"__proto__":{"base_model_name_or_path":"x"}}'],
    ["a number", '{"base_model_name_or_path":7}'],
    ["an endless name", JSON.stringify({ base_model_name_or_path: "x".repeat(513) })],
  ])("is no base when adapter_config.json holds %s", async (what, text) => {
    const name = write(`lora ${what}`, asLora(tinyModel(1)), { "adapter_config.json": text });
    expect((await inspect(name)).adapter).toMatchObject({ kind: "lora", base: null });
  });
});
