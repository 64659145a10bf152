import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { blockDecoder } from "../../src/decoding/ggml/decode-blocks.ts";
import { ggmlType } from "../../src/formats/gguf/ggml-type.ts";
import { prng } from "../../src/numerics/prng.ts";
import { ggufFile, llamaGguf, llamaParts } from "./gguf-file.mjs";
import { bytes, modelOf, tensor as onnxTensor } from "./onnx-file.mjs";
import {
  awqPacker,
  fp8BlockPacker,
  gptqPacker,
  int8Packer,
  mlxPacker,
  mxfp4Packer,
  nf4Packer,
  type Packer,
  packQuantizedPacker,
} from "./pack-weights.ts";
import type { Model, ModelTensor } from "./random-model.ts";
import { type RawTensor, rawFile } from "./raw-model.ts";
import { bytesOf, fileOf } from "./stored-model.ts";
import { ct2Of, tarOf } from "./tar-file.mjs";
import { npy, storage, tensor, torchLegacy, torchZip, zipOf } from "./torch-file.mjs";

/** A model in some container: its files by name, which of them is named (".": the folder), and what it has to be read as where it was not rounded. */
export interface FormatImage {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly entry: string;
  /** What config.json beside it says of the format, where its tensors leave it open. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** What is meant, where the file was not made of the model given. */
  readonly values?: Model;
}

export const HEADS = { heads: 8, kvHeads: 4 };
const LINEAR = /^(.*layers\..*_proj)\.weight$/;

const one = (entry: string, bytes: Uint8Array): FormatImage => ({ files: { [entry]: bytes }, entry });

const stored = (dtype: ModelTensor["dtype"]) => (model: Model) =>
  one("model.safetensors", fileOf(new Map([...model].map(([name, one]) => [name, { ...one, dtype }]))));

const packed = (pack: Packer) => (model: Model) =>
  one(
    "model.safetensors",
    rawFile({
      tensors: [...model].flatMap(([name, whole]): RawTensor[] => {
        const module = LINEAR.exec(name)?.[1];
        if (module === undefined) return [{ name, dtype: whole.dtype, shape: whole.shape, bytes: bytesOf(whole) }];
        const [out, into] = whole.shape as [number, number];
        return pack(module, { out, into, values: whole.values }).tensors;
      }),
    }),
  );

const mlx = (bits: number) => (model: Model) => ({
  ...packed(mlxPacker(bits, 64))(model),
  entry: ".",
  config: { quantization: { bits, group_size: 64 } },
});

const gguf = (type: string) => (model: Model) => one("model.gguf", llamaGguf(model, { ...HEADS, typeOf: () => type }));

interface Fixture {
  readonly type: string;
  readonly bytes: number;
  readonly elements: number;
  readonly blocks: string;
}
const FIXTURES: readonly Fixture[] = JSON.parse(
  readFileSync(new URL("../fixtures/ggml/blocks.json", import.meta.url), "utf8"),
);

function idOf(type: string): number {
  return Array.from({ length: 64 }, (_, id) => id).find((id) => ggmlType(id)?.name === type)!;
}

/** Of types that nothing here quantises to: matrices of blocks that ggml made, in a drawn order. */
const drawn = (type: string) => (model: Model) => {
  const { bytes: size, elements, blocks } = FIXTURES.find((fixture) => fixture.type === type)!;
  const all = new Uint8Array(Buffer.from(blocks, "base64"));
  const sound = Array.from({ length: all.length / size }, (_, i) => all.slice(i * size, (i + 1) * size))
    .map((block) => {
      const values = new Float32Array(elements);
      blockDecoder(type, size, true)!(block, values);
      return { block, values };
    })
    .filter(({ values }) => new Set(values).size > 2 && values.every((value) => Math.abs(value) < 1e4));
  const random = prng(`blocks of ${type}`);
  const parts = llamaParts(model, { ...HEADS, typeOf: () => "F32" });
  const meant = new Map(model);
  const names = [...model.keys()];
  const tensors = parts.tensors.map((whole, i) => {
    if (whole.shape.length === 1) return whole;
    const [rows, cols] = whole.shape as [number, number];
    const picked = Array.from({ length: (rows * cols) / elements }, () => sound[random.below(sound.length)]!);
    const values = new Float32Array(rows * cols);
    for (const [at, block] of picked.entries()) values.set(block.values, at * elements);
    const name = names[i]!;
    const count = /q_proj/.test(name) ? HEADS.heads : /k_proj/.test(name) ? HEADS.kvHeads : null;
    meant.set(name, {
      shape: whole.shape as number[],
      dtype: "F32",
      values: count === null ? values : apart(values, rows, count),
    });
    return { ...whole, type: idOf(type), data: new Uint8Array(Buffer.concat(picked.map(({ block }) => block))) };
  });
  return { ...one("model.gguf", ggufFile({ ...parts, tensors })), values: meant };
};

/** Rows of each head as they were before llama.cpp's converter interleaved them. */
function apart(values: Float32Array, rows: number, heads: number): Float32Array {
  const [columns, size] = [values.length / rows, rows / heads];
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const [head, inHead] = [Math.floor(row / size), row % size];
    const from = head * size + 2 * (inHead % (size / 2)) + Math.floor(inHead / (size / 2));
    out.set(values.subarray(from * columns, (from + 1) * columns), row * columns);
  }
  return out;
}

const raw = ({ values }: ModelTensor): Buffer => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

function pickled(model: Model, write: typeof torchZip | typeof torchLegacy): Uint8Array {
  const list = [...model];
  const state = new Map(
    list.map(([name, { shape, values }], i) => [name, tensor(storage(String(i), values.length), shape)] as const),
  );
  return write(state, Object.fromEntries(list.map(([, whole], i) => [String(i), raw(whole)])));
}

/** A row of codes and its scale, 127 over what is largest in it. */
function int8Of({ shape, values }: ModelTensor): { codes: Buffer; scales: Float32Array } {
  const [rows, cols] = shape as [number, number];
  const scales = new Float32Array(rows);
  const codes = Buffer.alloc(values.length);
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * cols, (row + 1) * cols);
    scales[row] = 127 / own.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    own.forEach((value, i) => void codes.writeInt8(Math.round(value * scales[row]!), row * cols + i));
  }
  return { codes, scales };
}

const ct2 = (isInt8: boolean) => (model: Model) => {
  const variables = [...model].flatMap(([name, whole]) => {
    const { shape } = whole;
    if (!isInt8 || shape.length === 1) return [{ name, shape, data: raw(whole) }];
    const { codes, scales } = int8Of(whole);
    const scale = { name: `${name}_scale`, shape: [scales.length], data: Buffer.from(scales.buffer) };
    return [{ name, type: 1, shape, data: codes }, scale];
  });
  return one("model.bin", ct2Of({ spec: "OtherSpec", variables }));
};

const FILE = "model.safetensors";
const archived = (entry: string, write: (data: Uint8Array) => Uint8Array) => (model: Model) =>
  one(entry, write(fileOf(model)));

/** What writes a model in each format of FORMATS, by container and scheme. */
export const IMAGES: Readonly<Record<string, (model: Model) => FormatImage>> = {
  ...Object.fromEntries(
    (["F64", "F32", "F16", "BF16"] as const).map((dtype) => [`safetensors ${dtype}`, stored(dtype)]),
  ),
  ...Object.fromEntries(
    [2, 3, 4, 8].map((bits) => [`safetensors GPTQ, ${bits} bits`, packed(gptqPacker({ bits, size: 64 }))]),
  ),
  "safetensors GPTQ, 4 bits, act order": packed((module, weights) => {
    const order = Array.from({ length: weights.into }, (_, i) => Math.floor(((i * 37) % weights.into) / 64));
    return gptqPacker({ bits: 4, size: 64, order })(module, weights);
  }),
  "safetensors AWQ, 4 bits": packed(awqPacker(64)),
  "safetensors bitsandbytes NF4": packed(nf4Packer(64)),
  "safetensors bitsandbytes int8": packed(int8Packer),
  "safetensors compressed-tensors packed, 4 bits": packed(packQuantizedPacker(4, 64, false)),
  "safetensors FP8, blocks of 128 x 128": packed(fp8BlockPacker(128)),
  "safetensors MXFP4": packed(mxfp4Packer),
  "safetensors MLX, 4 bits": mlx(4),
  "safetensors MLX, 8 bits": mlx(8),
  ...Object.fromEntries(FIXTURES.map(({ type }) => [`GGUF ${type}`, drawn(type)])),
  ...Object.fromEntries(
    ["F32", "F16", "BF16", "Q4_0", "Q8_0", "Q4_K", "Q6_K"].map((type) => [`GGUF ${type}`, gguf(type)]),
  ),
  "PyTorch zip (1.6 and later)": (model) => one("model.pt", pickled(model, torchZip)),
  "PyTorch legacy": (model) => one("model.pt", pickled(model, torchLegacy)),
  "ONNX float32": (model) =>
    one(
      "model.onnx",
      modelOf(...[...model].map(([name, whole]) => onnxTensor(name, whole.shape, bytes(9, raw(whole))))),
    ),
  "NumPy .npz": (model) =>
    one(
      "model.npz",
      zipOf([...model].map(([name, whole]) => ({ name: `${name}.npy`, data: npy("<f4", whole.shape, raw(whole)) }))),
    ),
  "CTranslate2 float32": ct2(false),
  "CTranslate2 int8": ct2(true),
  "zip, wheel stored": archived("model.whl", (data) => zipOf([{ name: `model/${FILE}`, data }])),
  "tar as it is": archived("model.tar", (data) => tarOf([{ name: `model/${FILE}`, data }])),
  "tar gzip": archived("model.tar.gz", (data) => gzipSync(tarOf([{ name: `model/${FILE}`, data }]), { level: 1 })),
  "parts .part-aa, .part-ab": (model) => {
    const whole = fileOf(model);
    const half = whole.length >> 1;
    return {
      files: { [`${FILE}.part-aa`]: whole.subarray(0, half), [`${FILE}.part-ab`]: whole.subarray(half) },
      entry: `${FILE}.part-aa`,
    };
  },
};
