import type { Factor } from "../../decoding/adapted/factor.ts";
import { lowRankChange } from "../../decoding/adapted/products.ts";
import type { RowChange } from "../../decoding/adapted/row-change.ts";
import { rowMagnitudes, vectorAddition } from "../../decoding/adapted/scalings.ts";
import { WeightmarkError } from "../../errors.ts";
import type { CheckpointTensor } from "../checkpoint.ts";
import {
  type AdapterTensors,
  bounded,
  type ChangeSettings,
  factorOf,
  misfit,
  needed,
  type Parts,
  type PlannedChange,
  requireRank,
  shapeText,
  type Target,
} from "./module-parts.ts";

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

/** A product of two factors, its bias and DoRA's magnitudes. */
export function lora(parts: Parts, target: Target, settings: ChangeSettings, adapter: AdapterTensors): PlannedChange {
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
export function embedding(
  parts: Parts,
  target: Target,
  settings: ChangeSettings,
  adapter: AdapterTensors,
): PlannedChange {
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
