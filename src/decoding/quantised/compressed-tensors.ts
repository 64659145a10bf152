import { decodeToF32 } from "../../kernels/decode.ts";
import type { Decoder } from "../decoder.ts";
import { beside, blockSize, type Candidate, isBounded, type Packed, sizeOf } from "./layout.ts";
import { plainNumbers, type Stored } from "./numbers.ts";
import { packedColumns } from "./packed-columns.ts";
import { packedRows } from "./packed-rows.ts";
import type { Blocks } from "./scale-blocks.ts";
import { scaled } from "./scaled.ts";
import { spacedCodes } from "./spaced-codes.ts";
import { wordsOf } from "./words.ts";

const FLOATS = new Set(["F32", "F16", "BF16"]);

/** How codes fill words: without gaps since 0.13 of the library, as many whole ones as fit into a word before. */
interface Packing {
  readonly bits: number;
  /** Codes of a word, null where there are no gaps. */
  readonly perWord: number | null;
}

/**
 * Integers of compressed-tensors ("pack-quantized"): `weight_packed` in words along inputs, codes counted from -2^(bits - 1),
 * zero points packed along outputs.
 *
 * Source: `pack_quantized` of compressed-tensors 0.20, and of 0.9 for words with gaps.
 */
export function packQuantised({ tensors, settings }: Packed, codes: Stored): Candidate | string | null {
  if (!codes.name.endsWith("_packed") || codes.dtype !== "I32") return null;
  const name = beside(codes.name, "_packed", "");
  const at = (ending: string): Stored | undefined => tensors.get(name + ending);
  const [scale, said] = [at("_scale"), at("_shape")];
  if (scale === undefined || said === undefined) return "it stands without its scales and its shape";
  const isShape = (said.dtype === "I64" || said.dtype === "I32") && sizeOf(said.shape) === codes.shape.length;
  if (!isShape || codes.shape.length < 2 || !FLOATS.has(scale.dtype)) return "its scales and its shape do not fit";
  const [zero, index] = [at("_zero_point"), at("_g_idx")];
  const looks = [said, ...(index === undefined ? [] : [index])];
  return {
    looks,
    finish([sides, indices]) {
      const shape = [...decodeToF32(sides!, said.dtype)];
      const [rows, cols] = [shape.at(-2)!, shape.at(-1)!];
      const words = codes.shape.at(-1)!;
      const isSame = shape.slice(0, -1).every((side, i) => side === codes.shape[i]);
      if (!isBounded(shape) || !isSame) return "its shape does not fit its codes";
      const packing = packingOf(words, cols, settings.bits);
      if (packing === null) return "its shape fits no number of bits, or more than one";
      const groups = scale.shape.length === shape.length ? scale.shape.at(-1)! : 1;
      const height = sizeOf(shape) / cols;
      if (sizeOf(scale.shape) !== height * groups) return "its scales do not fit its shape";
      const size = blockSize(cols, groups, settings.groupSize);
      const columnOf = columnsOf(indices, cols, groups);
      if (typeof columnOf === "string") return columnOf;
      if (size === null && columnOf === undefined) return "its scales fit no size of groups";
      const centre = 2 ** (packing.bits - 1);
      const zeros = zero === undefined ? undefined : zerosOf(zero, { rows, height, groups, packing });
      if (zeros === null) return "its zero points do not fit its scales";
      // Codes and packed zero points are counted from the same number, zero points of bytes from 0.
      const offset = zero?.dtype === "I32" ? 0 : -centre;
      const blocks: Blocks = {
        numbers: plainNumbers(scale),
        across: groups,
        cols: size ?? cols,
        rowOf: (row) => row,
        columnOf,
      };
      const decoder = scaled({
        cols,
        codes: rowsOf(codes, { cols, words, packing, offset }),
        scale: blocks,
        zero: zeros,
        range: { lowest: offset, count: 2 ** packing.bits },
      });
      const uses = [codes, scale, said, zero, index].flatMap((tensor) => (tensor === undefined ? [] : [tensor.name]));
      const scheme = `int${packing.bits}${groups === 1 ? ", one scale a row" : `, groups of ${size ?? Math.ceil(cols / groups)}`}`;
      return { name, shape, scheme, decoder, uses };
    },
  };
}

function packingOf(words: number, cols: number, said: number | null): Packing | null {
  const all = Array.from({ length: 8 }, (_, i) => i + 1);
  const dense = all.filter((bits) => Math.ceil((cols * bits) / 32) === words);
  if (dense.length > 0) {
    const bits = dense.length === 1 ? dense[0] : dense.find((each) => each === said);
    return bits === undefined ? null : { bits, perWord: null };
  }
  const spaced = all.filter((bits) => Math.ceil(cols / Math.floor(32 / bits)) === words);
  const bits = spaced.length === 1 ? spaced[0] : spaced.find((each) => each === said);
  return bits === undefined ? null : { bits, perWord: Math.floor(32 / bits) };
}

function rowsOf(
  tensor: Stored,
  { cols, words, packing, offset }: { cols: number; words: number; packing: Packing; offset: number },
): Decoder {
  const { bits, perWord } = packing;
  const table = Float32Array.from({ length: 1 << bits }, (_, code) => code + offset);
  if (perWord !== null) return spacedCodes({ tensor, cols, bits, perWord, words, table });
  return packedRows({ tensor, cols, bits, rowBytes: words * 4, table });
}

/** Zero points as they are counted, undefined never, null where they do not fit. */
function zerosOf(
  zero: Stored,
  { rows, height, groups, packing }: { rows: number; height: number; groups: number; packing: Packing },
): Decoder | null {
  if (zero.dtype === "I8") return sizeOf(zero.shape) === height * groups ? plainNumbers(zero) : null;
  // Several matrices each begin with a word of their own: of those only one is read.
  if (zero.dtype !== "I32" || zero.shape.length !== 2 || height !== rows || zero.shape[1] !== groups) return null;
  const { bits, perWord } = packing;
  const words = perWord === null ? Math.ceil((rows * bits) / 32) : Math.ceil(rows / perWord);
  return zero.shape[0] === words ? packedColumns(zero, groups, bits, perWord) : null;
}

/** Group of each input; undefined where they are in order, a clause where an index names none. */
function columnsOf(indices: Uint8Array | undefined, cols: number, groups: number): Uint32Array | undefined | string {
  if (indices === undefined) return undefined;
  const given = wordsOf(indices);
  if (given.length !== cols) return "its g_idx does not fit its shape";
  // The library fills an index with -1 before it knows one.
  if (given.every((group) => group === 0xffffffff)) return undefined;
  return given.every((group) => group < groups) ? Uint32Array.from(given) : "its g_idx names groups that are not there";
}
