import type { OnnxNode, OnnxTensor } from "../../formats/onnx/onnx-model.ts";
import type { Use, ValueGraph } from "./value-graph.ts";

/** How the values of a tensor of codes are got: (code - zero point) * scale, in groups. */
export interface Quantisation {
  /** The shape of the values, and which axis the groups are along. */
  readonly shape: readonly number[];
  readonly axis: number;
  /** See `Groups`. */
  readonly per: "tensor" | "axis" | "block";
  readonly block: number;
  readonly scale: OnnxTensor;
  readonly zero: OnnxTensor | number;
  /** Bits of a code, where bytes hold several of them, each row of the last axis and of its zero points in whole bytes. */
  readonly packed: 2 | 4 | 8 | null;
  /** For people. */
  readonly scheme: string;
}

/** Which inputs of an operator quantise another one, and along which axis where there is a scale for each index. */
interface Operator {
  readonly codes: number;
  readonly scale: number;
  readonly zero: number;
  readonly axis: "first" | "last" | "attribute";
}

const SUM: readonly Operator[] = [
  { codes: 0, scale: 1, zero: 2, axis: "last" },
  { codes: 3, scale: 4, zero: 5, axis: "last" },
];

/** https://onnx.ai/onnx/operators and onnxruntime's docs/ContribOperators.md */
const OPERATORS: ReadonlyMap<string, readonly Operator[]> = new Map<string, readonly Operator[]>([
  ["DequantizeLinear", [{ codes: 0, scale: 1, zero: 2, axis: "attribute" }]],
  ["QLinearMatMul", [{ codes: 3, scale: 4, zero: 5, axis: "last" }]],
  ["QLinearConv", [{ codes: 3, scale: 4, zero: 5, axis: "first" }]],
  ["QGemm", [{ codes: 3, scale: 4, zero: 5, axis: "last" }]],
  ["MatMulIntegerToFloat", [{ codes: 1, scale: 3, zero: 5, axis: "last" }]],
  ["DynamicQuantizeMatMul", [{ codes: 1, scale: 2, zero: 3, axis: "last" }]],
  ["QAttention", [{ codes: 1, scale: 4, zero: 7, axis: "last" }]],
  ["QLinearAdd", SUM],
  ["QLinearMul", SUM],
]);

/** Scales and zero points of what comes in and goes out, and of weights: numbers that are no weights themselves. */
const SIDECARS: ReadonlyMap<string, readonly number[]> = new Map([
  ["QuantizeLinear", [1, 2]],
  ["DequantizeLinear", [1, 2]],
  ["QLinearMatMul", [1, 2, 4, 5, 6, 7]],
  ["QLinearConv", [1, 2, 4, 5, 6, 7]],
  ["QGemm", [1, 2, 4, 5, 7, 8]],
  ["MatMulInteger", [2, 3]],
  ["ConvInteger", [2, 3]],
  ["MatMulIntegerToFloat", [2, 3, 4, 5]],
  ["DynamicQuantizeMatMul", [2, 3]],
  ["QAttention", [3, 4, 6, 7]],
  ["MatMulNBits", [2, 3, 4]],
  ["GatherBlockQuantized", [2, 3]],
  ["QLinearAdd", [1, 2, 4, 5, 6, 7]],
  ["QLinearMul", [1, 2, 4, 5, 6, 7]],
]);

/** Biases of whole numbers, whose scale is that of what comes in times that of the weights. */
const SUMS: ReadonlyMap<string, number> = new Map([
  ["QLinearConv", 8],
  ["QGemm", 6],
]);

/** Whether a tensor is used as the scale or the zero point of others, and for nothing else. */
export function isSidecar(graph: ValueGraph, { name }: OnnxTensor): boolean {
  const uses = graph.uses(name);
  return uses.length > 0 && uses.every(({ node, index }) => SIDECARS.get(node.op)?.includes(index) === true);
}

/**
 * How a tensor is quantised, "plain" where nothing says that it is, or null where what says so is not understood, or its uses
 * contradict one another.
 */
export function quantisationOf(graph: ValueGraph, tensor: OnnxTensor): Quantisation | "plain" | null {
  const found: (Quantisation | null)[] = [];
  for (const use of graph.uses(tensor.name)) {
    const one = byUse(graph, tensor, use);
    if (one !== "plain") found.push(one);
  }
  const [first] = found;
  if (first === undefined) return "plain";
  const isSame = (one: Quantisation | null) =>
    one !== null && first !== null && one.scale === first.scale && one.zero === first.zero && one.axis === first.axis;
  return found.every(isSame) ? first : null;
}

function byUse(graph: ValueGraph, tensor: OnnxTensor, use: Use): Quantisation | "plain" | null {
  const { node, index } = use;
  const { shape } = tensor;
  if (node.op === "MatMulNBits") return index === 1 ? ofBits(graph, tensor, node) : "plain";
  if (node.op === "GatherBlockQuantized") return index === 0 ? ofGather(graph, tensor, node) : "plain";
  if (node.op === "Gather" && index === 0) return ofRows(graph, tensor, node);
  if ((node.op === "MatMulInteger" || node.op === "ConvInteger") && index === 1) {
    const axis = node.op === "ConvInteger" ? 0 : shape.length - 1;
    return inGroups(graph, tensor, { axis, block: 0, scale: scaleBehind(graph, node), zero: node.inputs[3] ?? "" });
  }
  if (index === SUMS.get(node.op)) return null;
  const operator = OPERATORS.get(node.op)?.find(({ codes }) => codes === index);
  if (operator === undefined) return "plain";
  const last = node.numbers.get("transB")?.[0] === 1 ? 0 : shape.length - 1;
  const given = node.numbers.get("axis")?.[0] ?? 1;
  const axis =
    operator.axis === "first" ? 0 : operator.axis === "last" ? last : given < 0 ? given + shape.length : given;
  const block = operator.axis === "attribute" ? (node.numbers.get("block_size")?.[0] ?? 0) : 0;
  const [scale = "", zero = ""] = [node.inputs[operator.scale], node.inputs[operator.zero]];
  return inGroups(graph, tensor, { axis, block, scale: graph.tensorOf(scale), zero });
}

/** A table of which rows are picked first and dequantised then. */
function ofRows(graph: ValueGraph, tensor: OnnxTensor, node: OnnxNode): Quantisation | "plain" | null {
  const uses = graph.uses(node.outputs[0] ?? "");
  for (const { node: next, index } of uses) {
    const operator = OPERATORS.get(next.op)?.find(({ codes }) => codes === index);
    if (operator === undefined) continue;
    const [scale = "", zero = ""] = [next.inputs[operator.scale], next.inputs[operator.zero]];
    const found = inGroups(graph, tensor, { axis: 0, block: 0, scale: graph.tensorOf(scale), zero });
    // A scale for each index would be one of what was picked.
    return found?.per === "tensor" ? found : null;
  }
  return "plain";
}

interface Given {
  readonly axis: number;
  /** 0 where there are no blocks. */
  readonly block: number;
  readonly scale: OnnxTensor | null;
  /** Name of the zero points, or "". */
  readonly zero: string;
}

/** Types of codes: whole numbers, and floats of a byte. */
const CODES = /^U?INT(?:2|4|8|16|32)$|^FLOAT8E[45]/;
const isFloat = ({ type }: OnnxTensor) => type !== null && /^(?:FLOAT|DOUBLE|FLOAT16|BFLOAT16)$/.test(type.name);

function inGroups(graph: ValueGraph, tensor: OnnxTensor, { axis, block, scale, zero }: Given): Quantisation | null {
  const { shape, type, elements } = tensor;
  if (type === null || !CODES.test(type.name) || scale === null || !isFloat(scale) || !(axis >= 0) || !(block >= 0))
    return null;
  const length = shape[axis] ?? 1;
  const inBlocks = shape.map((size, i) => (i === axis ? Math.ceil(size / block) : size));
  const isOne = scale.elements === 1 && elements > 0;
  const isBlocks = block > 0 && sameShape(scale.shape, inBlocks);
  // Some keep the axes that there is no scale for, with a length of 1.
  const isAxis = block === 0 && scale.elements === length && scale.shape.filter((size) => size !== 1).length <= 1;
  if (!(isBlocks || isOne || isAxis)) return null;
  const per = isBlocks ? "block" : isOne ? "tensor" : "axis";
  const points = zero === "" ? 0 : graph.tensorOf(zero);
  if (points === null) return null;
  if (points !== 0 && (points.type !== type || points.elements !== scale.elements)) return null;
  const how = { tensor: "for the tensor", axis: `for each index of axis ${axis}`, block: `in blocks of ${block}` }[per];
  return {
    shape,
    axis: Math.min(axis, Math.max(0, shape.length - 1)),
    per,
    block: Math.max(1, block),
    scale,
    zero: points,
    packed: null,
    scheme: `${type.name}, scales ${how}`,
  };
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** Nodes between a product of whole numbers and the scale that it is multiplied by. */
const MAX_BETWEEN = 4;

/** The scale of the weights behind MatMulInteger: its product is multiplied by that of the scale of what came in and theirs. */
function scaleBehind(graph: ValueGraph, node: OnnxNode): OnnxTensor | null {
  let [value = ""] = node.outputs;
  for (let i = 0; i < MAX_BETWEEN; i++) {
    const use = graph.onlyUse(value);
    if (use === null) return null;
    if (use.node.op === "Mul") {
      const other = use.node.inputs[1 - use.index] ?? "";
      const product = graph.producer(other);
      const factors = product?.op === "Mul" ? product.inputs : [other];
      const stored = factors.flatMap((factor) => graph.tensorOf(factor) ?? []);
      return stored.length === 1 ? stored[0]! : null;
    }
    if (use.node.op !== "Cast" && use.node.op !== "Reshape") return null;
    [value = ""] = use.node.outputs;
  }
  return null;
}

/** com.microsoft.MatMulNBits: rows of codes in blocks, [N, blocks, bytes of a block]. */
function ofBits(graph: ValueGraph, tensor: OnnxTensor, node: OnnxNode): Quantisation | null {
  const [, , scaleName = "", zeroName = "", order = ""] = node.inputs;
  const [rows = 0, columns = 0, block = 0, bits = 4] = ["N", "K", "block_size", "bits"].map(
    (name) => node.numbers.get(name)?.[0],
  );
  const scale = graph.tensorOf(scaleName);
  if (bits !== 2 && bits !== 4 && bits !== 8) return null;
  // Columns in an order of their own, as of GPTQ, are not read.
  if (order !== "" || scale === null || !isFloat(scale) || !(rows > 0 && columns > 0 && block >= 8)) return null;
  const blocks = Math.ceil(columns / block);
  if (tensor.type?.name !== "UINT8" || tensor.elements !== rows * blocks * Math.ceil((block * bits) / 8)) return null;
  if (block % 8 !== 0 || scale.elements !== rows * blocks) return null;
  const zero = pointsOf(graph, zeroName, rows, blocks, bits);
  if (zero === null) return null;
  const scheme = `MatMulNBits, ${bits} bits, scales in blocks of ${block}`;
  return { shape: [rows, columns], axis: 1, per: "block", block, scale, zero, packed: bits, scheme };
}

/** Zero points in rows of whole bytes, or one number; null for what is not understood. */
function pointsOf(
  graph: ValueGraph,
  name: string,
  rows: number,
  blocks: number,
  bits: 2 | 4 | 8,
): OnnxTensor | number | null {
  if (name === "") return 2 ** (bits - 1);
  const points = graph.tensorOf(name);
  if (points === null) return null;
  if (points.type?.name === "UINT8") return points.elements === rows * Math.ceil((blocks * bits) / 8) ? points : null;
  return isFloat(points) && points.elements === rows * blocks ? points : null;
}

/** com.microsoft.GatherBlockQuantized: rows of a table, picked before they are dequantised. */
function ofGather(graph: ValueGraph, tensor: OnnxTensor, node: OnnxNode): Quantisation | null {
  const [, , scaleName = "", zero = ""] = node.inputs;
  const block = node.numbers.get("block_size")?.[0] ?? 128;
  const scale = graph.tensorOf(scaleName);
  const { type, shape } = tensor;
  const last = shape.length - 1;
  const given = node.numbers.get("quantize_axis")?.[0] ?? 1;
  const axis = given < 0 ? given + shape.length : given;
  if (type?.name !== "UINT8") return inGroups(graph, tensor, { axis, block, scale, zero });
  const bits = node.numbers.get("bits")?.[0] ?? 4;
  if ((bits !== 4 && bits !== 8) || axis !== last || shape.length !== 2 || scale === null || !isFloat(scale))
    return null;
  const [rows, columns] = [shape[0]!, (shape[1]! * 8) / bits];
  const blocks = Math.ceil(columns / block);
  if (!(block >= 8) || scale.elements !== rows * blocks) return null;
  const points = pointsOf(graph, zero, rows, blocks, bits);
  if (points === null) return null;
  const scheme = `GatherBlockQuantized, ${bits} bits, scales in blocks of ${block}`;
  return { shape: [rows, columns], axis: 1, per: "block", block, scale, zero: points, packed: bits, scheme };
}
