import type { Decoder } from "../decoder.ts";
import { beside, type Candidate, isBounded, known, type Packed, sameShape, sizeOf } from "./layout.ts";
import { plainNumbers, type Stored } from "./numbers.ts";
import { packedRows } from "./packed-rows.ts";
import { rescaled } from "./rescaled.ts";
import { scaled } from "./scaled.ts";
import { ascending, E2M1 } from "./tables.ts";

/** Values that share an exponent in MXFP4, and a scale in NVFP4. */
const MX_BLOCK = 32;
const NV_BLOCK = 16;

interface Fp4Parts {
  readonly name: string;
  readonly shape: readonly number[];
  readonly scheme: string;
  readonly codes: Stored;
  readonly scales: Decoder;
  readonly block: number;
  readonly uses: readonly Stored[];
}

/** Codes of FP4 E2M1, two a byte with the first in the low bits, scaled in blocks that lie one after the other. */
function fp4({ name, shape, scheme, codes, scales, block, uses }: Fp4Parts): Candidate {
  const cols = sizeOf(shape);
  const decoder = scaled({
    cols,
    codes: packedRows({ tensor: codes, cols, bits: 4, rowBytes: 0, table: E2M1 }),
    scale: { numbers: scales, across: cols / block, cols: block, rowOf: () => 0 },
    range: ascending(E2M1),
  });
  return known({ name, shape, scheme, decoder, uses: uses.map((tensor) => tensor.name) });
}

/** The shape of packed bytes with its last side in values, where `scales` has one for each block of them; else null. */
function unpackedShape(bytes: readonly number[], scales: readonly number[], block: number): readonly number[] | null {
  const shape = [...bytes.slice(0, -1), bytes.at(-1)! * 2];
  const isScaled = sameShape([...shape.slice(0, -1), shape.at(-1)! / block], scales);
  return shape.length >= 2 && isScaled && isBounded(shape) ? shape : null;
}

/**
 * MXFP4 of GPT-OSS: `_blocks` [..., blocks, 16] and exponents `_scales` [..., blocks]. Values are [experts, out, in], rows of
 * gate and up in turn.
 *
 * Source: `integrations/mxfp4.py` of transformers 5.
 */
export function gptOss({ tensors }: Packed, blocks: Stored): Candidate | string | null {
  if (!blocks.name.endsWith("_blocks") || blocks.dtype !== "U8") return null;
  const name = beside(blocks.name, "_blocks", "");
  const scales = tensors.get(`${name}_scales`);
  if (scales === undefined || scales.dtype !== "U8") return null;
  const { shape: stored } = blocks;
  const fits = stored.length >= 3 && stored.at(-1) === MX_BLOCK / 2 && sameShape(stored.slice(0, -1), scales.shape);
  const shape = [...stored.slice(0, -2), (stored.at(-2) ?? 0) * MX_BLOCK];
  if (!fits || !isBounded(shape)) return "its scales do not fit its blocks";
  const exponents = plainNumbers(scales, "F8_E8M0");
  return fp4({
    name,
    shape,
    scheme: "MXFP4",
    codes: blocks,
    scales: exponents,
    block: MX_BLOCK,
    uses: [blocks, scales],
  });
}

/**
 * FP4 of compressed-tensors ("nvfp4-pack-quantized", "mxfp4-pack-quantized"): `weight_packed` in bytes.
 *
 * Source: `nvfp4` and `mxfp4` of compressed-tensors 0.20, which divides by `weight_global_scale`.
 */
export function fp4Packed({ tensors }: Packed, codes: Stored): Candidate | string | null {
  if (!codes.name.endsWith("_packed") || codes.dtype !== "U8") return null;
  const name = beside(codes.name, "_packed", "");
  const scales = tensors.get(`${name}_scale`);
  if (scales === undefined) return "it stands without its scales";
  const global = tensors.get(`${name}_global_scale`);
  if (global !== undefined) {
    const shape = unpackedShape(codes.shape, scales.shape, NV_BLOCK);
    const isScalar = sizeOf(global.shape) === 1 && global.dtype === "F32";
    if (shape === null || !isScalar || scales.dtype !== "F8_E4M3") return "its scales do not fit its codes";
    const numbers = rescaled(plainNumbers(scales), plainNumbers(global));
    return fp4({
      name,
      shape,
      scheme: "NVFP4",
      codes,
      scales: numbers,
      block: NV_BLOCK,
      uses: [codes, scales, global],
    });
  }
  const shape = unpackedShape(codes.shape, scales.shape, MX_BLOCK);
  if (shape === null || scales.dtype !== "U8") return "its scales do not fit its codes";
  const exponents = plainNumbers(scales, "F8_E8M0");
  return fp4({ name, shape, scheme: "MXFP4", codes, scales: exponents, block: MX_BLOCK, uses: [codes, scales] });
}

/**
 * NVFP4 of NVIDIA's ModelOpt: `weight` in bytes, multiplied by `weight_scale` and `weight_scale_2`.
 *
 * Source: `quantization/qtensor/nvfp4_tensor.py` of TensorRT Model Optimizer.
 */
export function modelOptFp4({ tensors }: Packed, outer: Stored): Candidate | string | null {
  if (!outer.name.endsWith("_scale_2")) return null;
  const name = beside(outer.name, "_scale_2", "");
  const [codes, scales] = [tensors.get(name), tensors.get(`${name}_scale`)];
  if (codes === undefined || scales === undefined || codes.dtype !== "U8") return null;
  if (tensors.has(beside(name, "weight", "pre_quant_scale")))
    return "its inputs are scaled before it, which is not read";
  const shape = unpackedShape(codes.shape, scales.shape, NV_BLOCK);
  const isScalar = sizeOf(outer.shape) === 1 && outer.dtype === "F32";
  if (shape === null || !isScalar || scales.dtype !== "F8_E4M3") return "its scales do not fit its codes";
  const numbers = rescaled(plainNumbers(scales), plainNumbers(outer), "times");
  return fp4({ name, shape, scheme: "NVFP4", codes, scales: numbers, block: NV_BLOCK, uses: [codes, scales, outer] });
}
