import type { Decoder } from "../decoder.ts";
import { lateIndex } from "./late-index.ts";
import { beside, blockSize, type Candidate, isBounded, known, MAX_INPUTS, type Packed } from "./layout.ts";
import { constantNumbers, plainNumbers, type Stored } from "./numbers.ts";
import { packedRows } from "./packed-rows.ts";
import type { Blocks } from "./scale-blocks.ts";
import { scaled } from "./scaled.ts";
import { transposed } from "./transposed.ts";
import { awqCodes, gptqCodes } from "./upright-codes.ts";
import { wordsOf } from "./words.ts";

const WIDTHS = new Set([2, 3, 4, 5, 6, 7, 8]);
const FLOATS = new Set(["F16", "BF16", "F32"]);
const WORDS = new Set(["I32", "U32"]);
const AWQ_BITS = 4;

/** The four tensors that GPTQ and AWQ have in common, by the names that both use. */
interface Parts {
  readonly name: string;
  readonly qweight: Stored;
  readonly qzeros: Stored;
  readonly scales: Stored;
  readonly groups: number;
  readonly out: number;
  readonly uses: readonly string[];
}

/**
 * GPTQ (AutoGPTQ, GPTQModel, AutoRound) and AWQ ("GEMM"), which share names and which shapes tell apart: words [in bits / 32,
 * out] are packed along inputs, words [in, out / 8] along outputs. Both are read as [out, in].
 *
 * Sources: the torch kernels of GPTQModel 7.7 (`nn_modules/qlinear`), AutoAWQ's `utils/packing_utils.py`.
 */
export function gptqOrAwq(packed: Packed, qweight: Stored): Candidate | string | null {
  if (!qweight.name.endsWith(".qweight")) return null;
  const parts = partsOf(packed, qweight);
  if (typeof parts === "string") return parts;
  return qweight.shape[1] === parts.out ? gptq(packed, parts) : awq(packed, parts);
}

function partsOf({ tensors }: Packed, qweight: Stored): Parts | string {
  const at = (ending: string): Stored | undefined => tensors.get(beside(qweight.name, ".qweight", ending));
  const [qzeros, scales] = [at(".qzeros"), at(".scales")];
  if (qzeros === undefined || scales === undefined) return "it stands without qzeros and scales";
  const areWords = WORDS.has(qweight.dtype) && WORDS.has(qzeros.dtype) && FLOATS.has(scales.dtype);
  const areMatrices = [qweight, qzeros, scales].every(({ shape }) => shape.length === 2 && isBounded(shape));
  const [groups, out] = scales.shape as [number, number];
  if (!areWords || !areMatrices || qzeros.shape[0] !== groups) return "its qzeros and scales do not fit one another";
  const name = beside(qweight.name, ".qweight", ".weight");
  return { name, qweight, qzeros, scales, groups, out, uses: [qweight.name, qzeros.name, scales.name] };
}

function awq({ settings }: Packed, { name, qweight, qzeros, scales, groups, out, uses }: Parts): Candidate | string {
  const [into, words] = qweight.shape as [number, number];
  const isAwq = words * 8 === out && qzeros.shape[1] === words && into <= MAX_INPUTS;
  const size = isAwq ? blockSize(into, groups, settings.groupSize) : null;
  if (size === null) return "its scales fit neither GPTQ nor AWQ";
  const scale = {
    numbers: transposed(plainNumbers(scales), groups, out),
    across: groups,
    cols: size,
    rowOf: (row: number) => row,
  };
  const decoder = scaled({
    cols: into,
    codes: awqCodes(qweight, out, into),
    scale,
    zero: awqCodes(qzeros, out, groups),
    range: { lowest: 0, count: 2 ** AWQ_BITS },
  });
  return known({ name, shape: [out, into], scheme: schemeOf("AWQ", AWQ_BITS, size, into), decoder, uses });
}

function gptq({ tensors, settings }: Packed, parts: Parts): Candidate | string {
  const { name, qweight, qzeros, scales, groups, out } = parts;
  const bits = ((qzeros.shape[1] as number) * 32) / out;
  const into = ((qweight.shape[0] as number) * 32) / bits;
  if (!WIDTHS.has(bits) || !Number.isInteger(into) || into > MAX_INPUTS)
    return "its qzeros fit no number of bits that GPTQ has";
  const index = tensors.get(beside(qweight.name, ".qweight", ".g_idx"));
  const isIndexed = index !== undefined;
  if (isIndexed && !(index.dtype === "I32" && index.shape.length === 1 && index.shape[0] === into)) {
    return "its g_idx does not fit its qweight";
  }
  const size = blockSize(into, groups, settings.groupSize);
  if (size === null && !isIndexed) return "its scales fit no size of groups";
  const codes = gptqCodes(qweight, out, into, bits);
  const zerosBy = (lessOne: boolean): Decoder => {
    const mask = (1 << bits) - 1;
    const table = Float32Array.from({ length: 1 << bits }, (_, code) => (lessOne ? (code + 1) & mask : code));
    const rowBytes = (qzeros.shape[1] as number) * 4;
    return transposed(packedRows({ tensor: qzeros, cols: out, bits, rowBytes, table }), groups, out);
  };
  const asStored = zerosBy(false);
  const blocksBy = (numbers: Decoder, order: Uint32Array | undefined): Blocks => ({
    numbers,
    across: groups,
    cols: size ?? into,
    rowOf: (row) => row,
    columnOf: order,
  });
  return {
    looks: isIndexed ? [index] : [],
    canWait: isIndexed,
    zeros: {
      bits,
      elements: into * out,
      differences([indices]) {
        const order = orderOf(indices, size, groups);
        if (typeof order === "string") return order;
        return scaled({ cols: into, codes, scale: blocksBy(constantNumbers(1), order), zero: asStored });
      },
      zeros: asStored,
      zeroCount: groups * out,
    },
    finish([indices], lessOne) {
      const order = orderOf(indices, size, groups);
      if (typeof order === "string") return order;
      if (lessOne === null) return "nothing tells whether its zero points are stored less one";
      const numbers = transposed(plainNumbers(scales), groups, out);
      const zero = lessOne ? zerosBy(true) : asStored;
      const decoderBy = (by: Uint32Array | undefined): Decoder =>
        scaled({ cols: into, codes, scale: blocksBy(numbers, by), zero, range: { lowest: 0, count: 2 ** bits } });
      const isLate = isIndexed && indices === undefined;
      const decoder = isLate
        ? lateIndex({
            index,
            cols: into,
            isOrdered: size !== null,
            decoderBy,
            orderOf: (bytes) => orderOf(bytes, size, groups),
          })
        : decoderBy(order);
      const scheme = schemeOf("GPTQ", bits, size ?? Math.ceil(into / groups), into);
      const uses = isIndexed ? [...parts.uses, index.name] : parts.uses;
      return { name, shape: [out, into], scheme: order === undefined ? scheme : `${scheme}, act order`, decoder, uses };
    },
  };
}

/** Group of each input where they are in an order of their own; a clause where an index names a group that is not there. */
function orderOf(
  indices: Uint8Array | undefined,
  size: number | null,
  groups: number,
): Uint32Array | undefined | string {
  if (indices === undefined) return undefined;
  const given = wordsOf(indices);
  // Negative indices are large ones here.
  if (given.some((group) => group >= groups)) return "its g_idx names groups that are not there";
  if (size !== null && given.every((group, input) => group === Math.floor(input / size))) return undefined;
  return Uint32Array.from(given);
}

function schemeOf(what: string, bits: number, size: number, into: number): string {
  return `${what} ${bits} bit${size >= into ? "" : `, groups of ${size}`}`;
}
