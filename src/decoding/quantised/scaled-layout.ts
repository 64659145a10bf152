import type { Dtype } from "../../formats/tensor-info.ts";
import type { Decoder } from "../decoder.ts";
import { blockSize, type Candidate, isBounded, known, type Packed, sameShape, sizeOf } from "./layout.ts";
import { numbersOfType, plainNumbers, type Stored } from "./numbers.ts";
import type { Blocks } from "./scale-blocks.ts";
import { scaled } from "./scaled.ts";

const F8 = new Set<Dtype>(["F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"]);
const SCALES = new Set<Dtype>(["F32", "F16", "BF16", "F8_E8M0"]);
/** Endings that stand after the name of a tensor, each with what stands in the place of it for its zero point. */
const SIDECARS: readonly (readonly [scale: string, zero: string])[] = [
  ["_scale_inv", ""],
  ["_scale", "_zero_point"],
];
/** Smallest block along the inputs of a linear: DeepSeek's are of 128 x 128, those of microscaling formats of 32. */
const SMALLEST_BLOCK = 8;

/**
 * Numbers of 8 bits that are multiplied with scales for each tensor, row, group or block: FP8 (DeepSeek's `weight_scale_inv`
 * in blocks, `weight_scale` of compressed-tensors, FBGEMM, ModelOpt), and int8 of compressed-tensors, with zero points if
 * any.
 *
 * Sources: `naive_quantized` of compressed-tensors 0.20, `inference/kernel.py` of DeepSeek-V3.
 */
export function scaledTensor(packed: Packed, weight: Stored): Candidate | string | null {
  if (!F8.has(weight.dtype) && weight.dtype !== "I8") return null;
  for (const [ending, zero] of SIDECARS) {
    const scale = packed.tensors.get(weight.name + ending);
    if (scale === undefined) continue;
    const zeroPoint = zero === "" ? undefined : packed.tensors.get(weight.name + zero);
    return scaledBy(packed, { name: weight.name, weight, scale, zero: zeroPoint });
  }
  // DeepSeek's own names: "wq_a.weight" and "wq_a.scale".
  const own = weight.name.endsWith(".weight") ? packed.tensors.get(weight.name.replace(/weight$/, "scale")) : undefined;
  return own === undefined || weight.dtype === "I8"
    ? null
    : scaledBy(packed, { name: weight.name, weight, scale: own });
}

export interface ScaledParts {
  readonly name: string;
  readonly weight: Stored;
  readonly scale: Stored;
  readonly zero?: Stored | undefined;
}

/** A candidate of 8-bit numbers, whatever library wrote them. */
export function scaledBy({ settings }: Packed, { name, weight, scale, zero }: ScaledParts): Candidate | string {
  const { shape } = weight;
  if (shape.length < 2 || !isBounded(shape)) return "it is no matrix";
  const isF8 = F8.has(weight.dtype);
  // Microscaling formats keep exponents as bytes.
  const type = isF8 && scale.dtype === "U8" ? "F8_E8M0" : scale.dtype;
  if (!SCALES.has(type)) return `its scales are ${scale.dtype}`;
  const grid = gridOf(scale.shape, shape);
  if (grid === null || !isBounded(scale.shape.length === 0 ? [1] : scale.shape))
    return "its scales do not fit its shape";
  const blocks = blocksOf(grid, shape, plainNumbers(scale, type), settings.groupSize);
  if (blocks === null) return "its scales do not fit its shape";
  if (zero !== undefined && (isF8 || !sameShape(zero.shape, scale.shape) || zero.dtype === "BOOL")) {
    return "its zero points do not fit its scales";
  }
  const decoder = scaled({
    cols: shape.at(-1)!,
    codes: plainNumbers(weight),
    scale: blocks,
    zero: zero === undefined ? undefined : plainNumbers(zero),
    range: isF8 ? numbersOfType(weight.dtype) : { lowest: -128, count: 256 },
  });
  const uses = [weight.name, scale.name, ...(zero === undefined ? [] : [zero.name])];
  const scheme = `${isF8 ? "FP8" : "int8"}, ${grainOf(grid, shape, blocks)}`;
  return known({ name, shape, scheme, decoder, uses });
}

function grainOf(grid: readonly number[], shape: readonly number[], { cols }: Blocks): string {
  const [rows, across] = [grid.at(-2)!, grid.at(-1)!];
  if (across === 1)
    return rows === 1 ? "one scale a tensor" : rows === shape.at(-2) ? "one scale a row" : "scales of rows";
  return rows === shape.at(-2) ? `groups of ${cols}` : `blocks of ${Math.ceil(shape.at(-2)! / rows)} x ${cols}`;
}

/** The scales' shape with as many axes as the weights', null where it cannot be read so. */
function gridOf(scale: readonly number[], shape: readonly number[]): readonly number[] | null {
  const rank = shape.length;
  if (sizeOf(scale) === 1) return shape.map(() => 1);
  if (scale.length > rank) return null;
  // Scales of rows without their last axis, or of whole matrices without their last two.
  const grid = [...scale, ...Array<number>(rank - scale.length).fill(1)];
  const leads = grid.slice(0, -2);
  const isLed = leads.every((side, i) => side === shape[i]) || leads.every((side) => side === 1);
  const isWhole = scale.length === rank || grid.at(-2) === shape.at(-2) || scale.length === rank - 2;
  return isLed && isWhole ? grid : null;
}

function blocksOf(
  grid: readonly number[],
  shape: readonly number[],
  numbers: Decoder,
  said: number | null,
): Blocks | null {
  const [down, across] = [grid.at(-2)!, grid.at(-1)!];
  const [rows, cols] = [shape.at(-2)!, shape.at(-1)!];
  const height = blockSize(rows, down, null);
  const width = blockSize(cols, across, said !== null && down === rows ? said : null);
  if (height === null || width === null || (across > 1 && width < SMALLEST_BLOCK)) return null;
  // Of a block of few rows alone nobody has heard.
  if (down > 1 && down < rows && height < SMALLEST_BLOCK) return null;
  const isShared = grid.slice(0, -2).every((side) => side === 1);
  // The same scales again for each matrix: rows of blocks would come again.
  if (isShared && shape.length > 2 && down > 1) return null;
  const rowOf = (row: number): number => {
    const matrix = Math.floor(row / rows);
    return (isShared ? 0 : matrix * down) + Math.floor((row - matrix * rows) / height);
  };
  return { numbers, across, cols: width, rowOf };
}
