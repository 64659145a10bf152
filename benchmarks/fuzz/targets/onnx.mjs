import { memorySource } from "../../../dist/src/bytes/memory-source.js";
import { readOnnxFile } from "../../../dist/src/checkpoint/onnx/onnx-file.js";
import { WeightmarkError } from "../../../dist/src/errors.js";
import { DTYPE_BITS } from "../../../dist/src/formats/tensor-info.js";
import { bytes, external, fixed, floats, graph, int, model, node, tensor } from "../../../tests/support/onnx-file.mjs";
import { changedBytes } from "../bytes.mjs";
import { must } from "../invariant.mjs";

const NAMES = [
  "w",
  "a.weight",
  "onnx::MatMul_1",
  "onnx::MatMul_2_quantized",
  "s",
  "z",
  "b.bias",
  "x",
  "y",
  "__proto__",
  "",
];
const TYPES = [1, 2, 3, 6, 7, 9, 10, 11, 16, 17, 21, 22, 23, 25, 99];
const OPERATORS = [
  ..."MatMul Gemm Add Gather Transpose Identity Cast Constant If DequantizeLinear QuantizeLinear MatMulInteger Mul".split(
    " ",
  ),
  ..."QLinearMatMul QLinearConv QGemm QLinearAdd MatMulNBits GatherBlockQuantized DynamicQuantizeMatMul".split(" "),
];
const ATTRIBUTES = "axis transB block_size bits K N perm quantize_axis value".split(" ");
/** No file of a few kilobytes gives out more than this. */
const MAX_BYTES = 64 << 20;

function size(random) {
  return random.chance(0.95) ? random.below(4) : random.pick([-1, 2 ** 31, 2n ** 62n, 17]);
}

function drawnTensor(random) {
  const shape = Array.from({ length: random.below(4) }, () => size(random));
  const type = random.pick(TYPES);
  const elements = shape.reduce((product, one) => product * Math.max(0, Math.min(9, Number(one))), 1);
  const width = { 1: 4, 6: 4, 7: 8, 10: 2, 11: 8, 16: 2, 21: 0.5, 22: 0.5, 23: 0.5, 25: 0.25 }[type] ?? 1;
  const raw = Buffer.from(Array.from({ length: Math.ceil(elements * width) }, () => random.below(256)));
  const ways = [
    bytes(9, raw),
    bytes(9, raw),
    bytes(5, Buffer.from(Array.from({ length: elements }, () => random.below(128)))),
    bytes(4, floats(...Array(elements).fill(1))),
    Buffer.concat(Array.from({ length: elements }, () => fixed(4, floats(2)))),
    external({ location: random.pick(["f", "../f", "g"]), offset: String(random.below(20)) }),
    Buffer.alloc(0),
  ];
  return tensor(random.pick(NAMES), shape, random.pick(ways), type);
}

function drawnNode(random, depth) {
  const values = (count) => Array.from({ length: random.below(count) }, () => random.pick(NAMES));
  const attributes = {};
  for (let i = random.below(4); i > 0; i--) {
    const draws = [
      () => random.pick([0, 1, 2, 4, 8, 16, -1, 2 ** 40]),
      () => [1, 0],
      () => bytes(5, drawnTensor(random)),
      () => (depth > 0 ? bytes(6, drawnGraph(random, depth - 1)) : int(3, 1)),
    ];
    attributes[random.pick(ATTRIBUTES)] = random.pick(draws)();
  }
  const name = random.pick(["", "/m/q/MatMul", "/MatMul", "node_1"]);
  const scopes = random.chance(0.2) ? random.pick(["['', 'm', 'm.q', 'linear']", "['", ""]) : undefined;
  return node(random.pick(OPERATORS), values(10), values(3), {
    name,
    attributes,
    ...(scopes === undefined ? {} : { scopes }),
  });
}

function drawnGraph(random, depth) {
  const nodes = Array.from({ length: random.below(8) }, () => drawnNode(random, depth));
  return graph(
    nodes,
    Array.from({ length: random.below(6) }, () => drawnTensor(random)),
  );
}

const BESIDE = memorySource(Buffer.alloc(40, 1), "f");

async function open(name) {
  if (name === "f") return { source: BESIDE, absolutePath: null };
  throw new WeightmarkError("FILE_NOT_FOUND", "nothing lies there", { file: name });
}

/** Models of ONNX: what is accepted lies within its files and can be read. */
export const target = {
  name: "onnx",
  extension: "onnx",
  make(random) {
    const whole = model(drawnGraph(random, 2));
    return random.chance(0.6) ? whole : changedBytes(random, whole, model(drawnGraph(random, 1)));
  },
  async check(content) {
    const source = memorySource(content, "a.onnx");
    const { tensors, files } = await readOnnxFile(source, "a.onnx", open);
    const sources = [source, ...files.map((file) => file.source)];
    let total = 0;
    for (const { dtype, shape, begin, end, file } of tensors) {
      must(begin <= end && end <= sources[file].size, "a tensor lies outside of its file");
      const elements = shape.reduce((a, b) => a * b, 1);
      must(elements * DTYPE_BITS[dtype] === 8 * (end - begin), "a tensor is not as long as its shape says");
      total += end - begin;
    }
    must(total <= MAX_BYTES + 1024 * content.length, "the tensors are far larger than the file");
    for (const { begin, end, file } of tensors) {
      must((await sources[file].read(begin, end)).length === end - begin, "a tensor cannot be read");
    }
  },
};
