import type { Factor } from "../../decoding/adapted/factor.ts";
import { hadamardChange, kroneckerChange, type Operand } from "../../decoding/adapted/products.ts";
import { columnScaling, rowScaling } from "../../decoding/adapted/scalings.ts";
import { WeightmarkError } from "../../errors.ts";
import type { CheckpointTensor } from "../checkpoint.ts";
import type { AdaptedModule } from "./factor-names.ts";
import { embedding, lora } from "./lora-plan.ts";
import {
  type AdapterTensors,
  bounded,
  type ChangeSettings,
  factorOf,
  misfit,
  needed,
  type Parts,
  type PlannedChange,
  partsOf,
  productOf,
  type Target,
} from "./module-parts.ts";

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
