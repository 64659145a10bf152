import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { decodeToF32 } from "../../../src/kernels/decode.ts";
import { prng } from "../../../src/numerics/prng.ts";
import {
  awqPacker,
  bytesOf,
  fp8BlockPacker,
  gptqPacker,
  int8Packer,
  mlxPacker,
  nf4Packer,
  packQuantizedPacker,
  type Weights,
} from "../../support/pack-weights.ts";
import { type RawTensor, writeRawModel } from "../../support/raw-model.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

const root = scratchDirectory();
const MODULE = "model.layers.0.self_attn.q_proj";
const [OUT, INTO] = [64, 128];
const random = prng("packed weights");
const WEIGHTS: Weights = {
  out: OUT,
  into: INTO,
  values: Float32Array.from({ length: OUT * INTO }, () => random.normal()),
};

const NORM: RawTensor = {
  name: "model.norm.weight",
  dtype: "F32",
  shape: [INTO],
  bytes: bytesOf(new Float32Array(INTO).fill(1)),
};

let models = 0;

async function opened(tensors: readonly RawTensor[], config?: unknown) {
  const directory = join(root, `model-${models++}`);
  writeRawModel(directory, [{ tensors: [NORM, ...tensors] }]);
  if (config !== undefined) writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  return openCheckpoint(directory);
}

type Opened = Awaited<ReturnType<typeof opened>>;

async function valuesOf({ tensors, files }: Opened, name = `${MODULE}.weight`): Promise<Float32Array> {
  const { file, begin, end, dtype } = tensors.get(name)!;
  return decodeToF32(await files[file]!.source.read(begin, end), dtype);
}

/** The tensors with one of them changed, or without it. */
function changed(
  tensors: readonly RawTensor[],
  ending: string,
  change: (tensor: RawTensor) => RawTensor | null,
): RawTensor[] {
  return tensors.flatMap((tensor) => (tensor.name.endsWith(ending) ? (change(tensor) ?? []) : [tensor]));
}

const gptq = gptqPacker({ bits: 4, size: 32 })(MODULE, WEIGHTS);
const awq = awqPacker(32)(MODULE, WEIGHTS);
const nf4 = nf4Packer(64)(MODULE, WEIGHTS);
const int8 = int8Packer(MODULE, WEIGHTS);
const fp8 = fp8BlockPacker(32)(MODULE, WEIGHTS);
const mlx = mlxPacker(4, 32)(MODULE, WEIGHTS);
const packed = packQuantizedPacker(4, 32, false)(MODULE, WEIGHTS);

const int32 = (values: readonly number[]) => bytesOf(Int32Array.from(values));
const text = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const state = (value: unknown) => (tensor: RawTensor) => {
  const bytes = text(value);
  return { ...tensor, shape: [bytes.length], bytes };
};
const STATE = { quant_type: "nf4", blocksize: 64, dtype: "bfloat16", shape: [OUT, INTO] };
const shortened = (tensor: RawTensor): RawTensor => {
  const [first, ...others] = tensor.shape;
  return { ...tensor, shape: [first! / 2, ...others], bytes: tensor.bytes.slice(0, tensor.bytes.length / 2) };
};

describe("packed weights that fit nothing are left out, and it is said why", () => {
  it.each<[string, readonly RawTensor[], RegExp]>([
    ["GPTQ without scales", changed(gptq.tensors, ".scales", () => null), /without qzeros and scales/],
    ["GPTQ without zero points", changed(gptq.tensors, ".qzeros", () => null), /without qzeros and scales/],
    ["half of GPTQ's zero points", changed(gptq.tensors, ".qzeros", shortened), /do not fit one another/],
    ["half of GPTQ's index", changed(gptq.tensors, ".g_idx", shortened), /g_idx does not fit/],
    [
      "an index beyond the groups",
      changed(gptq.tensors, ".g_idx", (t) => ({ ...t, bytes: int32(Array(INTO).fill(4)) })),
      /groups that are not there/,
    ],
    [
      "a negative index",
      changed(gptq.tensors, ".g_idx", (t) => ({ ...t, bytes: int32(Array(INTO).fill(-1)) })),
      /groups that are not there/,
    ],
    [
      "zero points that are no middle and no weights'",
      changed(
        changed(gptq.tensors, ".qzeros", (t) => ({ ...t, bytes: t.bytes.map(() => 0x33) })),
        ".g_idx",
        () => null,
      ),
      /zero points are stored less one/,
    ],
    ["GPTQ beside plain weights", [...gptq.tensors, ...nf4.tensors], /of its name stands there as well/],
    [
      "words of neither GPTQ nor AWQ",
      changed(awq.tensors, ".qweight", (t) => ({ ...t, shape: [2 * INTO, OUT / 16] })),
      /neither GPTQ nor AWQ/,
    ],
    ["NF4 without its state", changed(nf4.tensors, "nf4", () => null), /without a state/],
    ["a state that is no JSON", changed(nf4.tensors, "nf4", state("{")), /nothing that can be used/],
    [
      "a state of another kind",
      changed(nf4.tensors, "nf4", state({ ...STATE, quant_type: "fp4" })),
      /nothing that can/,
    ],
    ["a state without blocks", changed(nf4.tensors, "nf4", state({ ...STATE, blocksize: 0 })), /nothing that can/],
    ["other blocks", changed(nf4.tensors, "nf4", state({ ...STATE, blocksize: 128 })), /absmax does not fit/],
    [
      "a larger shape",
      changed(nf4.tensors, "nf4", state({ ...STATE, shape: [OUT, 2 * INTO] })),
      /does not fit its codes/,
    ],
    [
      "a negative shape",
      changed(nf4.tensors, "nf4", state({ ...STATE, shape: [-OUT, -INTO] })),
      /does not fit its codes/,
    ],
    [
      "an endless shape",
      changed(nf4.tensors, "nf4", state({ ...STATE, shape: [2 ** 52, 2 ** 52] })),
      /does not fit its/,
    ],
    ["a long state", changed(nf4.tensors, "nf4", state(" ".repeat(5000))), /state does not fit/],
    [
      "another table",
      changed(nf4.tensors, ".quant_map", (t) => ({ ...t, bytes: t.bytes.map(() => 0) })),
      /table is not that of NF4/,
    ],
    ["half of the scales", changed(nf4.tensors, ".absmax", shortened), /absmax does not fit/],
    [
      "scales that are packed, and nothing to unpack them with",
      changed(nf4.tensors, ".absmax", (t) => ({ ...t, dtype: "U8", bytes: t.bytes.slice(0, t.shape[0]) })),
      /absmax does not fit/,
    ],
    ["half of the rows' scales", changed(int8.tensors, ".SCB", shortened), /SCB does not fit/],
    [
      "rows in the order of a kernel",
      changed(int8.tensors, ".weight_format", (t) => ({ ...t, bytes: Uint8Array.of(2) })),
      /weight_format is 2/,
    ],
    ["FP8 with scales of nothing", changed(fp8.tensors, "_inv", (t) => ({ ...t, shape: [8] })), /scales do not fit/],
    ["MLX with half its biases", changed(mlx.tensors, ".biases", shortened), /biases do not fit/],
    [
      "another shape than there are words",
      changed(packed.tensors, "_shape", (t) => ({ ...t, bytes: bytesOf(BigInt64Array.of(64n, 129n)) })),
      /scales fit no size|number of bits/,
    ],
    [
      "a negative shape of words",
      changed(packed.tensors, "_shape", (t) => ({ ...t, bytes: bytesOf(BigInt64Array.of(64n, -128n)) })),
      /shape does not fit/,
    ],
    ["half of the packed zero points", changed(packed.tensors, "_point", shortened), /zero points do not fit/],
    [
      "a layout that nobody knows",
      [{ name: `${MODULE}.trellis`, dtype: "I16", shape: [64, 64], bytes: new Uint8Array(8192) }],
      /layout is not known/,
    ],
  ])("%s", async (_what, tensors, why) => {
    await using model = await opened(tensors);
    const { matrices } = describeAnatomy(model.tensors, null);
    // Of what is of 8 bits the signs mean something without any scale.
    const isRead = matrices.some(({ tensor }) => /^(?:I8|F8)/.test(model.tensors.get(tensor)!.dtype));
    const what = isRead ? "weights of 8 bits were read without their scales" : "packed weights were left out";
    expect(model.notes.filter((note) => / were (?:left out|read without)/.test(note))).toEqual([
      expect.stringMatching(new RegExp(`^${what}.*${why.source}`)),
    ]);
    expect(matrices.filter(({ tensor }) => !/^(?:I8|F8)/.test(model.tensors.get(tensor)!.dtype))).toEqual([]);
    expect([...model.tensors.values()].filter(({ scheme }) => scheme !== undefined)).toEqual([]);
  });

  it("floats that carry codes are no weights", async () => {
    const inFloats = changed(nf4.tensors, `${MODULE}.weight`, (t) => ({
      ...t,
      dtype: "BF16",
      shape: [t.bytes.length / 2, 1],
    }));
    await using understood = await opened(inFloats);
    expect(await valuesOf(understood)).toEqual(nf4.values);
    await using lying = await opened(changed(inFloats, "nf4", state("{")));
    expect(lying.tensors.has(`${MODULE}.weight`)).toBe(false);
  });

  it("scales that are no numbers make values that are none", async () => {
    const bytes = bytesOf(new Float32Array((OUT * INTO) / 64).fill(Number.NaN));
    await using model = await opened(changed(nf4.tensors, ".absmax", (t) => ({ ...t, bytes })));
    expect((await valuesOf(model)).every(Number.isNaN)).toBe(true);
  });
});

describe("what config.json says", () => {
  it("does not turn zero points that weights show", async () => {
    const config = { quantization_config: { quant_method: "gptq", checkpoint_format: "gptq_v2" } };
    await using model = await opened(gptq.tensors, config);
    expect(model.notes).toContainEqual(expect.stringContaining("they were read as the weights show"));
    expect(await valuesOf(model)).toEqual(gptq.values);
  });

  it("settles zero points that weights do not show", async () => {
    const options = { bits: 8, size: 32, symmetric: false };
    for (const version2 of [false, true]) {
      const { tensors, values } = gptqPacker({ ...options, version2 })(MODULE, WEIGHTS);
      await using alone = await opened(tensors);
      expect(alone.notes).toContainEqual(expect.stringContaining("nothing tells whether its zero points"));
      const format = version2 ? { checkpoint_format: "gptq_v2" } : {};
      await using told = await opened(tensors, { quantization_config: { quant_method: "gptq", ...format } });
      expect(await valuesOf(told)).toEqual(values);
    }
  });

  it("chooses between sizes that the model has, and no other", async () => {
    // 64 is the number of outputs: 8 bits in groups of 16 are no layout of MLX, 4 bits in groups of 32 are.
    await using alone = await opened(mlx.tensors);
    expect(await valuesOf(alone)).toEqual(mlx.values);
    const wide = mlxPacker(4, 64)(MODULE, WEIGHTS);
    await using open = await opened(wide.tensors);
    expect(open.notes).toContainEqual(expect.stringContaining("number of bits, or more than one"));
    await using told = await opened(wide.tensors, { quantization: { bits: 4, group_size: 64 } });
    expect(await valuesOf(told)).toEqual(wide.values);
    await using lied = await opened(wide.tensors, { quantization: { bits: 2, group_size: 64 } });
    expect(lied.tensors.get(`${MODULE}.weight`)).toMatchObject({ dtype: "U32" });
  });
});

describe("a model of several files", () => {
  it("may have codes in one and scales in another, and plain tensors keep their files", async () => {
    const directory = join(root, "sharded");
    const [codes, ...others] = gptq.tensors;
    writeRawModel(directory, [{ tensors: [NORM, codes!] }, { tensors: others }]);
    await using model = await openCheckpoint(directory);
    expect(await valuesOf(model)).toEqual(gptq.values);
    expect(model.tensors.get(`${MODULE}.weight`)).toMatchObject({ dtype: "F32", scheme: "GPTQ 4 bit, groups of 32" });
    const norm = model.tensors.get(NORM.name)!;
    expect(model.files[norm.file]!.absolutePath).not.toBeNull();
    expect([...model.tensors.keys()]).toEqual([NORM.name, `${MODULE}.weight`]);
  });
});
