import type { Factor, FactorMemory } from "../../decoding/adapted/factor.ts";
import { hadamardChange, kroneckerChange, lowRankChange, type Operand } from "../../decoding/adapted/products.ts";
import type { RowChange } from "../../decoding/adapted/row-change.ts";
import { columnScaling, rowMagnitudes, rowScaling, vectorAddition } from "../../decoding/adapted/scalings.ts";
import { WeightmarkError } from "../../errors.ts";
import { holdsValues } from "../../formats/dtype-kind.ts";
import type { CheckpointTensor } from "../checkpoint.ts";
import type { AdaptedModule } from "./factor-names.ts";
import type { ChangeKind } from "./settings.ts";

/** What an adapter makes of one module. */
export interface PlannedChange {
  readonly weight: RowChange;
  /** Of the bias, where the module has one. */
  readonly bias: RowChange | null;
  /** DoRA over columns: the lengths that they are to have, which takes their lengths before. */
  readonly columns: Factor | null;
  /** For people: "LoRA of rank 8". */
  readonly what: string;
}

/** How a module's tensors are to be read. */
export interface ChangeSettings {
  readonly kind: ChangeKind;
  /** Null where only the factors tell. */
  readonly rank: number | null;
  readonly scale: number;
  readonly isDora: boolean;
  /** Whether a square matrix is stored as [in, out]. */
  readonly isTransposed: boolean;
}

/** A tensor of the base as a matrix: convolutions with all axes but the first as one. */
export interface Target {
  readonly name: string;
  readonly shape: readonly number[];
  readonly rows: number;
  readonly cols: number;
  /** Given where the container tells that it is stored as [in, out]. */
  readonly inOut: boolean;
  /** Elements of its bias, null where it has none that can be changed. */
  readonly outputs: number | null;
}

/** A tensor of the adapter, by the name of its file. */
export interface AdapterTensors {
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** Index in the files of the merged model of the adapter's first. */
  readonly firstFile: number;
  readonly file: string;
  readonly memory: FactorMemory;
}

/** Values of a factor that is kept in memory while rows are made: 128 MB. */
const MAX_WHOLE = 1 << 25;
/** Columns of a factor that are read one by one. */
const MAX_RANK = 1 << 13;

/**
 * Holds the tensors of one module against each other and against what they change.
 *
 * @throws ADAPTER_MALFORMED, ADAPTER_MISFIT, ADAPTER_UNSUPPORTED
 */
export function planChange(
  module: AdaptedModule,
  target: Target,
  settings: ChangeSettings,
  adapter: AdapterTensors,
): PlannedChange {
  const parts = partsOf(module, adapter);
  switch (settings.kind) {
    case "lora":
      return parts.has("lora_embedding_A")
        ? embedding(parts, target, settings, adapter)
        : lora(parts, target, settings, adapter);
    case "loha":
      return loha(parts, target, settings, adapter);
    case "lokr":
      return lokr(parts, target, settings, adapter);
    case "ia3":
      return ia3(parts, target, settings, adapter);
  }
}

type Parts = ReadonlyMap<string, CheckpointTensor>;

const OWN: Readonly<Record<ChangeKind, RegExp>> = {
  lora: /^(?:lora_(?:embedding_)?[AB](?:\.bias)?|lora_magnitude_vector|alpha)$/,
  loha: /^(?:hada_w[12]_[ab]|alpha)$/,
  lokr: /^(?:lokr_w[12](?:_[ab])?|alpha)$/,
  ia3: /^ia3_l$/,
};

function partsOf(module: AdaptedModule, { tensors, file }: AdapterTensors): Parts {
  const kind = kindOf(module);
  const parts = new Map<string, CheckpointTensor>();
  for (const [part, name] of module.parts) {
    if (!OWN[kind].test(part)) {
      const message = `${part} beside ${kind === "ia3" ? "(IA)^3" : kind} is not merged while reading`;
      throw new WeightmarkError("ADAPTER_UNSUPPORTED", message, { file, tensor: name });
    }
    const tensor = tensors.get(name)!;
    if (!holdsValues(tensor.dtype)) {
      const message = `factors of type ${tensor.dtype} are not merged while reading`;
      throw new WeightmarkError("ADAPTER_UNSUPPORTED", message, { file, tensor: name });
    }
    parts.set(part, tensor);
  }
  return parts;
}

/** What a module's tensors are of. */
export function kindOf({ parts }: AdaptedModule): ChangeKind {
  for (const part of parts.keys()) {
    if (part.startsWith("hada_")) return "loha";
    if (part.startsWith("lokr_")) return "lokr";
    if (part === "ia3_l") return "ia3";
  }
  return "lora";
}

function needed(parts: Parts, part: string, target: Target, { file }: AdapterTensors): CheckpointTensor {
  const tensor = parts.get(part);
  if (tensor !== undefined) return tensor;
  const [beside] = [...parts.values()];
  const message = `${part} of the module ${JSON.stringify(target.name)} is missing`;
  throw new WeightmarkError("ADAPTER_MALFORMED", message, { file, tensor: beside?.name });
}

/** A tensor as a matrix, the axes behind the second as parts of the second. */
function factorOf(tensor: CheckpointTensor, { firstFile, file }: AdapterTensors, transposed = false): Factor {
  const { shape, dtype, begin, name } = tensor;
  const [first, ...rest] = shape;
  const others = rest.reduce((product, side) => product * side, 1);
  if (first === undefined || first < 1 || others < 1) {
    const message = `a factor cannot have the shape ${shapeText(shape)}`;
    throw new WeightmarkError("ADAPTER_MALFORMED", message, { file, tensor: name });
  }
  const [rows, cols] = transposed ? [others, first] : [first, others];
  return { file: firstFile + tensor.file, begin, dtype, rows, cols, transposed };
}

export function shapeText(shape: readonly number[]): string {
  return shape.length === 0 ? "of no axes" : shape.join(" x ");
}

/** One that is needed whole for every row. */
function bounded(factor: Factor, tensor: CheckpointTensor, { file }: AdapterTensors): Factor {
  if (factor.rows * factor.cols <= MAX_WHOLE) return factor;
  const message = `a factor of ${shapeText(tensor.shape)} is larger than those that are merged while reading`;
  throw new WeightmarkError("ADAPTER_UNSUPPORTED", message, { file, tensor: tensor.name });
}

function misfit(target: Target, shape: readonly number[], tensor: CheckpointTensor, file: string): WeightmarkError {
  const base = `${JSON.stringify(target.name)} of the base is ${shapeText(target.shape)}`;
  const message = `changes a matrix of ${shapeText(shape)}, and ${base}`;
  return new WeightmarkError("ADAPTER_MISFIT", message, { file, tensor: tensor.name });
}

function requireRank(rank: number, { rank: said }: ChangeSettings, tensor: CheckpointTensor, file: string): void {
  if (rank > MAX_RANK) {
    const message = `a rank of ${rank} is more than is merged while reading`;
    throw new WeightmarkError("ADAPTER_UNSUPPORTED", message, { file, tensor: tensor.name });
  }
  if (said === null || said === rank) return;
  const message = `has rank ${rank}, and adapter_config.json says ${said}`;
  throw new WeightmarkError("ADAPTER_MALFORMED", message, { file, tensor: tensor.name });
}

/** Whether the matrix lies as [in, out], for a change of [out, in]. */
function liesTransposed(
  [out, into]: readonly [number, number],
  target: Target,
  { isTransposed }: ChangeSettings,
  tensor: CheckpointTensor,
  file: string,
): boolean {
  const [plain, turned] = [target.rows === out && target.cols === into, target.rows === into && target.cols === out];
  if (plain && turned) return target.inOut || isTransposed;
  // A convolution is never stored the other way round.
  if (plain) return false;
  if (turned && target.shape.length === 2) return true;
  throw misfit(target, [out, into], tensor, file);
}

function lora(parts: Parts, target: Target, settings: ChangeSettings, adapter: AdapterTensors): PlannedChange {
  const { file, memory } = adapter;
  const [a, b] = [needed(parts, "lora_A", target, adapter), needed(parts, "lora_B", target, adapter)];
  const [down, up] = [factorOf(a, adapter), factorOf(b, adapter)];
  if (down.rows !== up.cols) {
    const message = `A of ${shapeText(a.shape)} and B of ${shapeText(b.shape)} have no common rank`;
    throw new WeightmarkError("ADAPTER_MALFORMED", message, { file, tensor: a.name });
  }
  const rank = down.rows;
  requireRank(rank, settings, a, file);
  const isTurned = liesTransposed([up.rows, down.cols], target, settings, a, file);
  const [left, right] = isTurned ? [factorOf(a, adapter, true), factorOf(b, adapter, true)] : [up, down];
  const weight = lowRankChange({ left, right: bounded(right, isTurned ? b : a, adapter) }, settings.scale, memory);
  const bias = biasOf(parts, target, up.rows, settings, adapter);
  return { ...withMagnitudes(weight, parts, target, { isTurned, outputs: up.rows }, settings, adapter), bias };
}

/** `lora_embedding_A` is [rank, tokens], `lora_embedding_B` [width, rank], and the table [tokens, width]. */
function embedding(parts: Parts, target: Target, settings: ChangeSettings, adapter: AdapterTensors): PlannedChange {
  const { file, memory } = adapter;
  const [a, b] = [
    needed(parts, "lora_embedding_A", target, adapter),
    needed(parts, "lora_embedding_B", target, adapter),
  ];
  const [left, right] = [factorOf(a, adapter, true), factorOf(b, adapter, true)];
  if (left.cols !== right.rows) {
    const message = `A of ${shapeText(a.shape)} and B of ${shapeText(b.shape)} have no common rank`;
    throw new WeightmarkError("ADAPTER_MALFORMED", message, { file, tensor: a.name });
  }
  requireRank(left.cols, settings, a, file);
  if (target.rows !== left.rows || target.cols !== right.cols || target.shape.length !== 2) {
    throw misfit(target, [left.rows, right.cols], a, file);
  }
  const weight = lowRankChange({ left, right: bounded(right, b, adapter) }, settings.scale, memory);
  return {
    ...withMagnitudes(weight, parts, target, { isTurned: true, outputs: right.cols }, settings, adapter),
    bias: null,
  };
}

/** B's own bias, scaled as the product is. */
function biasOf(
  parts: Parts,
  target: Target,
  outputs: number,
  { scale }: ChangeSettings,
  adapter: AdapterTensors,
): RowChange | null {
  const bias = parts.get("lora_B.bias");
  const odd = parts.get("lora_A.bias") ?? (target.outputs === null ? bias : undefined);
  if (odd !== undefined) {
    const message = "a bias of a factor for which the base has no bias is not merged";
    throw new WeightmarkError("ADAPTER_UNSUPPORTED", message, { file: adapter.file, tensor: odd.name });
  }
  if (bias === undefined) return null;
  const numbers = factorOf(bias, adapter);
  if (numbers.rows !== outputs || numbers.cols !== 1 || target.outputs !== outputs) {
    throw misfit(target, bias.shape, bias, adapter.file);
  }
  return vectorAddition(numbers, scale);
}

function withMagnitudes(
  weight: RowChange,
  parts: Parts,
  target: Target,
  { isTurned, outputs }: { readonly isTurned: boolean; readonly outputs: number },
  { isDora, rank, scale }: ChangeSettings,
  adapter: AdapterTensors,
): Omit<PlannedChange, "bias"> {
  const magnitudes = parts.get("lora_magnitude_vector");
  const a = parts.get("lora_A") ?? parts.get("lora_embedding_A")!;
  const size = `rank ${rank ?? a.shape[0]}, scale ${Number(scale.toPrecision(6))}`;
  if (magnitudes === undefined) {
    if (isDora) needed(parts, "lora_magnitude_vector", target, adapter);
    return { weight, columns: null, what: `LoRA of ${size}` };
  }
  const count = magnitudes.shape.reduce((product, side) => product * side, 1);
  if (count !== outputs) throw misfit(target, magnitudes.shape, magnitudes, adapter.file);
  const plain: Factor = { ...factorOf(magnitudes, adapter), rows: outputs, cols: 1 };
  const what = `DoRA of ${size}`;
  if (!isTurned) return { weight: rowMagnitudes(weight, plain), columns: null, what };
  return { weight, columns: plain, what };
}

function loha(parts: Parts, target: Target, settings: ChangeSettings, adapter: AdapterTensors): PlannedChange {
  const { file, memory } = adapter;
  const products = [1, 2].map((one) => {
    const [a, b] = ["a", "b"].map((side) => needed(parts, `hada_w${one}_${side}`, target, adapter)) as [
      CheckpointTensor,
      CheckpointTensor,
    ];
    return productOf(a, b, settings, adapter);
  });
  const [one, other] = products as [ReturnType<typeof productOf>, ReturnType<typeof productOf>];
  const tensor = parts.get("hada_w1_a")!;
  for (const { left, right } of products) {
    if (left.rows !== target.rows || right.cols !== target.cols)
      throw misfit(target, [left.rows, right.cols], tensor, file);
  }
  requireNotTurned(target, tensor, file);
  const weight = hadamardChange(one, other, settings.scale, memory);
  return { weight, bias: null, columns: null, what: `LoHa of rank ${one.left.cols}` };
}

function productOf(a: CheckpointTensor, b: CheckpointTensor, settings: ChangeSettings, adapter: AdapterTensors) {
  const [left, right] = [factorOf(a, adapter), factorOf(b, adapter)];
  if (left.cols !== right.rows) {
    const message = `${shapeText(a.shape)} and ${shapeText(b.shape)} have no common rank`;
    throw new WeightmarkError("ADAPTER_MALFORMED", message, { file: adapter.file, tensor: a.name });
  }
  requireRank(left.cols, settings, a, adapter.file);
  return { left, right: bounded(right, b, adapter) };
}

/** LoHa and LoKr are made for linears as [out, in]: of other matrices it is not known which way they go. */
function requireNotTurned(target: Target, tensor: CheckpointTensor, file: string): void {
  if (!target.inOut) return;
  const message = `${JSON.stringify(target.name)} of the base is stored as [in, out], which is merged for LoRA alone`;
  throw new WeightmarkError("ADAPTER_UNSUPPORTED", message, { file, tensor: tensor.name });
}

function lokr(parts: Parts, target: Target, settings: ChangeSettings, adapter: AdapterTensors): PlannedChange {
  const { file, memory } = adapter;
  const [outer, inner] = (["lokr_w1", "lokr_w2"] as const).map((name): Operand => {
    const whole = parts.get(name);
    if (whole !== undefined) return bounded(factorOf(whole, adapter), whole, adapter);
    const [a, b] = [needed(parts, `${name}_a`, target, adapter), needed(parts, `${name}_b`, target, adapter)];
    const product = productOf(a, b, settings, adapter);
    return { ...product, left: bounded(product.left, a, adapter) };
  }) as [Operand, Operand];
  const [tensor] = [...parts.values()];
  const rows = sizeOf(outer)[0] * sizeOf(inner)[0];
  const cols = sizeOf(outer)[1] * sizeOf(inner)[1];
  if (rows !== target.rows || cols !== target.cols) throw misfit(target, [rows, cols], tensor!, file);
  requireNotTurned(target, tensor!, file);
  return { weight: kroneckerChange(outer, inner, settings.scale, memory), bias: null, columns: null, what: "LoKr" };
}

function sizeOf(operand: Operand): readonly [number, number] {
  return "left" in operand ? [operand.left.rows, operand.right.cols] : [operand.rows, operand.cols];
}

/** `ia3_l` is [1, in] before a linear of a feed-forward network, [out, 1] behind any other; its bias is scaled with it. */
function ia3(parts: Parts, target: Target, { isTransposed }: ChangeSettings, adapter: AdapterTensors): PlannedChange {
  const tensor = needed(parts, "ia3_l", target, adapter);
  const { shape } = tensor;
  const isBefore = shape.length === 2 && shape[0] === 1;
  const isBehind = shape.length === 2 && shape[1] === 1;
  const count = (shape[0] ?? 0) * (shape[1] ?? 0);
  const isLinear = target.shape.length === 2;
  if (isBefore === isBehind || !isLinear) throw misfit(target, shape, tensor, adapter.file);
  const turned = target.inOut || isTransposed;
  const isByRow = isBehind !== turned;
  if (count !== (isByRow ? target.rows : target.cols)) throw misfit(target, shape, tensor, adapter.file);
  const numbers: Factor = { ...factorOf(tensor, adapter), rows: count, cols: 1 };
  const weight = isByRow
    ? rowScaling(numbers)
    : columnScaling(bounded({ ...numbers, rows: 1, cols: count }, tensor, adapter), 1, adapter.memory);
  const bias = isBehind && target.outputs === count ? rowScaling(numbers) : null;
  return { weight, bias, columns: null, what: "(IA)^3" };
}
