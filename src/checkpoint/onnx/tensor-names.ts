import type { OnnxNode, OnnxTensor } from "../../formats/onnx/onnx-model.ts";
import { moduleOf } from "./node-scope.ts";
import type { ValueGraph, WeightUse } from "./value-graph.ts";

/** What exporters call values that they made themselves. */
const MADE = /::|^\/|^[^.]*\d$|^(?:onnx|val|const_fold_opt|ortshared)_/;
/** What quantisers put behind the name of what they quantise. */
const QUANTISED = /(?:_quantized|_(?:DQ_)?Q\d+(?:G\d+)?)$/;
/** And what stands in the place of ".weight" where it was packed. */
const PACKED = /(?:\.MatMul(?:NBits)?)?\.qweight$/;
/** Weights are called after the operator that uses them, as [in, out], by the model builder of onnxruntime-genai. */
const BUILT = /\.MatMul(\.(?:weight|bias))$/;

/** Inputs that are the weight and the bias of a module. */
const PARTS: ReadonlyMap<string, readonly [weight: number, bias: number]> = new Map([
  ["MatMul", [1, -1]],
  ["Gemm", [1, 2]],
  ["Conv", [1, 2]],
  ["ConvTranspose", [1, 2]],
  ["Gather", [0, -1]],
  ["LayerNormalization", [1, 2]],
  ["GroupNormalization", [1, 2]],
  ["InstanceNormalization", [1, 2]],
  ["BatchNormalization", [1, 2]],
  ["RMSNormalization", [1, -1]],
  ["MatMulInteger", [1, -1]],
  ["ConvInteger", [1, -1]],
  ["QLinearMatMul", [3, -1]],
  ["QLinearConv", [3, 8]],
  ["QGemm", [3, 6]],
  ["MatMulIntegerToFloat", [1, 6]],
  ["DynamicQuantizeMatMul", [1, 4]],
  ["MatMulNBits", [1, 5]],
  ["GatherBlockQuantized", [0, -1]],
]);
/** Operators whose weight lies as [in, out], by the input that it is. */
const IN_OUT: ReadonlyMap<string, number> = new Map([
  ["MatMul", 1],
  ["Gemm", 1],
  ["MatMulInteger", 1],
  ["QLinearMatMul", 3],
  ["QGemm", 3],
  ["MatMulIntegerToFloat", 1],
  ["DynamicQuantizeMatMul", 1],
]);

/** Operators between a product and the bias that is added to it. */
const BETWEEN: ReadonlySet<string> = new Set(["Cast", "Mul", "DequantizeLinear", "QuantizeLinear", "Identity"]);
const MAX_BETWEEN = 6;

/** What a stored tensor is called in the model that was exported. */
export interface TensorName {
  readonly name: string;
  /** Whether it is not stored under this name. */
  readonly given: boolean;
  /** Whether it is known to lie as [in, out] although its name promises [out, in]. */
  readonly inOut: boolean;
}

/**
 * Gives tensors the names back that the exporter took from them, by the module of the node that uses them or by the bias that is
 * added behind it. A name that two tensors would have, or one has already, is given to none.
 */
export function tensorNames(graph: ValueGraph, tensors: readonly OnnxTensor[]): ReadonlyMap<OnnxTensor, TensorName> {
  const wanted = tensors.map((tensor) => ({ tensor, ...nameOf(graph, tensor) }));
  const counts = new Map<string, number>();
  for (const { name } of wanted) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map(
    wanted.map(({ tensor, name, inOut }): [OnnxTensor, TensorName] => {
      const given = name !== tensor.name;
      const isFree = counts.get(name) === 1 && (!given || graph.stored(name) === null);
      return [tensor, isFree ? { name, given, inOut } : { name: tensor.name, given: false, inOut }];
    }),
  );
}

/** Whether a name was made up by an exporter. */
export function isMade(name: string): boolean {
  return MADE.test(name);
}

function nameOf(graph: ValueGraph, tensor: OnnxTensor): Omit<TensorName, "given"> {
  const uses = graph.usesOf(tensor);
  const plain = tensor.name.replace(QUANTISED, "").replace(PACKED, ".weight");
  const isInOut = liesInOut(tensor, uses);
  if (!MADE.test(plain)) {
    const isBuilt = BUILT.test(plain);
    return { name: plain.replace(BUILT, "$1"), inOut: isBuilt && isInOut };
  }
  for (const use of uses) {
    const found = nameByUse(graph, tensor, use);
    if (found !== null) return { name: found, inOut: isInOut };
  }
  return { name: plain, inOut: isInOut };
}

/** All that use it as a weight of two axes multiply its first one with what comes in. */
function liesInOut({ shape }: OnnxTensor, uses: readonly WeightUse[]): boolean {
  const known = uses.filter(({ node, index }) => IN_OUT.get(node.op) === index);
  const isInOut = ({ node, turned }: WeightUse) => (node.numbers.get("transB")?.[0] === 1) === turned;
  return shape.length === 2 && known.length > 0 && known.every(isInOut);
}

function nameByUse(graph: ValueGraph, { shape }: OnnxTensor, { node, index }: WeightUse): string | null {
  const [own, bias] = PARTS.get(node.op) ?? [-1, -1];
  const module = moduleOf(node);
  if (index === bias && module !== null) return `${module}.bias`;
  if (index === own) {
    const beside = moduleByBias(graph, node, bias);
    // A module that runs twice has a number behind its name the second time, and no parameter is called so.
    const isSame = module === null || module === beside || module.replace(/_\d+(?=\.|$)/g, "") === beside;
    if (beside !== null && isSame) return `${beside}.weight`;
    return module === null ? null : `${module}.weight`;
  }
  if (node.op !== "Add" || module === null || shape.length !== 1) return null;
  const product = productBefore(graph, node.inputs[1 - index] ?? "");
  const [weight] = (product === null ? undefined : PARTS.get(product.op)) ?? [-1];
  const isOfWeight = graph.tensorOf(product?.inputs[weight] ?? "") !== null;
  return isOfWeight && product !== null && moduleOf(product) === module ? `${module}.bias` : null;
}

/** The module that the bias of a product is of, by the name of that, or null. */
function moduleByBias(graph: ValueGraph, node: OnnxNode, bias: number): string | null {
  const own = node.inputs[bias];
  if (own !== undefined && own !== "") return moduleOfBias(graph, own);
  let [value = ""] = node.outputs;
  for (let i = 0; i < MAX_BETWEEN; i++) {
    const use = graph.onlyUse(value);
    if (use === null) return null;
    if (use.node.op === "Add") return moduleOfBias(graph, use.node.inputs[1 - use.index] ?? "");
    if (!BETWEEN.has(use.node.op) || use.node.outputs[0] === undefined) return null;
    value = use.node.outputs[0];
  }
  return null;
}

function moduleOfBias(graph: ValueGraph, value: string): string | null {
  if (graph.tensorOf(value) === null) return null;
  const [, module] = /^([^/:]+)\.bias(?:_quantized)?$/.exec(value) ?? [];
  if (module !== undefined) return module;
  const [, stored] = /^([^/:]+)\.bias(?:_quantized)?$/.exec(graph.tensorOf(value)!.name) ?? [];
  return stored ?? null;
}

/** The product that a value is, whatever scales and types lie between. */
function productBefore(graph: ValueGraph, value: string): OnnxNode | null {
  let at = value;
  for (let i = 0; i < MAX_BETWEEN; i++) {
    const node = graph.producer(at);
    if (node === undefined) return null;
    if (PARTS.has(node.op)) return node;
    if (!BETWEEN.has(node.op)) return null;
    at = node.inputs[0] ?? "";
  }
  return null;
}
