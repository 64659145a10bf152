import { hasUprightKernel, type UprightNumbers, UprightRows } from "../../kernels/upright-rows.ts";
import { type Decoder, type Opened, type Together, WINDOW_BYTES } from "../decoder.ts";
import type { Stored } from "./numbers.ts";
import { type Block, type Rectangle, wordGrid } from "./word-grid.ts";

/**
 * The codes of GPTQ as [out, in]: stored are words [in bits / 32, out], of which each begins with the code of its first
 * input, and a code may lie across two words that stand above one another. Columns of words are rows of codes, so no row is
 * read with others.
 */
export function gptqCodes(tensor: Stored, out: number, into: number, bits: number): Decoder {
  const unpack = bits === 4 ? unpackFours : unpackAny;
  const wordOf = (col: number): number => Math.floor((col * bits) / 32);
  return upright({
    tensor,
    width: out,
    into,
    packed: bits === 4 ? "inputs" : null,
    rectangleOf: ({ row, lastRow, col, lastCol }) => ({
      top: wordOf(col),
      bottom: Math.floor(((lastCol + 1) * bits - 1) / 32),
      left: row,
      right: lastRow,
    }),
    unpack: (block, { top, left }, { row, col, count }, target, at) =>
      unpack(block, row - left, { bit: col * bits - top * 32, bits, count }, target, at),
  });
}

/** The bits of a word at which the code of each of its eight columns lies: AWQ interleaves them as 0, 2, 4, 6, 1, 3, 5, 7. */
const AWQ_SHIFTS = [0, 16, 4, 20, 8, 24, 12, 28];

/** The codes of AWQ as [out, in]: stored are words [in, out / 8]. */
export function awqCodes(tensor: Stored, out: number, into: number): Decoder {
  return upright({
    tensor,
    width: out / 8,
    into,
    packed: "rows",
    rectangleOf: ({ row, lastRow, col, lastCol }) => ({
      top: col,
      bottom: lastCol,
      left: Math.floor(row / 8),
      right: Math.floor(lastRow / 8),
    }),
    unpack({ words, stride }, { top, left }, { row, col, count }, target, at) {
      const shift = AWQ_SHIFTS[row % 8]!;
      let from = (col - top) * stride + Math.floor(row / 8) - left;
      for (let i = 0; i < count; i++, from += stride) target[at + i] = (words[from]! >> shift) & 15;
    },
  });
}

/** Cells of [out, in], all of them inside: those of one row, or whole rows. */
interface Cells {
  readonly row: number;
  readonly lastRow: number;
  readonly col: number;
  readonly lastCol: number;
}

interface Upright {
  readonly tensor: Stored;
  /** Words of a stored row. */
  readonly width: number;
  readonly into: number;
  /** What a kernel takes. */
  readonly packed: "inputs" | "rows" | null;
  readonly rectangleOf: (cells: Cells) => Rectangle;
  readonly unpack: (
    block: Block,
    rectangle: Rectangle,
    run: { readonly row: number; readonly col: number; readonly count: number },
    target: Float32Array,
    at: number,
  ) => void;
}

/** Rows whose words lie side by side are counted in so many: those of one word, of several words a whole line of a cache. */
const ROW_STEP = 32;

/** Codes of which a kernel makes values, of several whole rows at a time. */
export interface UprightCodes extends Decoder {
  readonly together: UprightTogether;
  canScale(first: number, count: number, size: number): boolean;
}

interface UprightTogether extends Together {
  open(stored: readonly Uint8Array[], first: number, count: number): OpenedUpright;
}

export interface OpenedUpright extends Opened {
  /** @param numbers of the rows from the first that was opened on */
  scale(numbers: Omit<UprightNumbers, "before">, first: number, count: number, out: Float32Array): void;
}

export function isUpright(decoder: Decoder): decoder is UprightCodes {
  return "canScale" in decoder;
}

function upright({ tensor, width, into, packed, rectangleOf, unpack }: Upright): UprightCodes {
  const grid = wordGrid(tensor, width);
  // Of a few rows the pieces are short and many, and between them lies all the rest.
  const stepBytes = (tensor.end - tensor.begin) / (width / ROW_STEP);
  const rows = Math.max(1, Math.floor(WINDOW_BYTES / stepBytes)) * ROW_STEP;
  const rectangle = (first: number, count: number): Rectangle => rectangleOf(cellsOf(first, count, into));

  function open(stored: readonly Uint8Array[], begin: number, length: number): OpenedUpright {
    const place = rectangle(begin, length);
    const block = grid.block(stored, place);
    const [top, bottom] = [Math.floor(begin / into), Math.floor((begin + length - 1) / into)];
    // Of eight rows a word those before the first one have no numbers, and are not wanted.
    const before = packed === "rows" ? top % 8 : 0;
    let turned: UprightRows | null = null;
    return {
      decode(first, count, out) {
        for (let at = 0; at < count; ) {
          const row = Math.floor((first + at) / into);
          const col = first + at - row * into;
          const n = Math.min(into - col, count - at);
          unpack(block, place, { row, col, count: n }, out, at);
          at += n;
        }
      },
      scale(numbers, first, count, out) {
        turned ??= new UprightRows({ packed: packed!, ...block, into, rows: before + bottom - top + 1 });
        turned.decode({ ...numbers, before }, first - (top - before) * into, count, out);
      },
    };
  }

  return {
    unit: 1,
    together: { elements: rows * into, open },
    canScale(first, count, size) {
      const isMany = Math.floor(first / into) < Math.floor((first + count - 1) / into);
      return packed !== null && isMany && hasUprightKernel(packed, into, size);
    },
    ranges: (first, count) => grid.ranges(rectangle(first, count)),
    decode: (stored, first, count, out) => open(stored, first, count).decode(first, count, out),
  };
}

function cellsOf(first: number, count: number, into: number): Cells {
  const last = first + count - 1;
  const [row, lastRow] = [Math.floor(first / into), Math.floor(last / into)];
  if (row !== lastRow) return { row, lastRow, col: 0, lastCol: into - 1 };
  return { row, lastRow, col: first - row * into, lastCol: last - row * into };
}

interface BitRun {
  /** Bit of the column of words at which the first code lies. */
  readonly bit: number;
  readonly bits: number;
  readonly count: number;
}

function unpackFours({ words, stride }: Block, column: number, { bit, count }: BitRun, out: Float32Array, at: number) {
  let from = Math.floor(bit / 32) * stride + column;
  let shift = bit % 32;
  let to = at;
  const end = at + count;
  for (; to < end && shift !== 0; to++) {
    out[to] = (words[from]! >> shift) & 15;
    shift = (shift + 4) % 32;
    if (shift === 0) from += stride;
  }
  for (; to + 8 <= end; to += 8, from += stride) {
    const word = words[from]!;
    out[to] = word & 15;
    out[to + 1] = (word >> 4) & 15;
    out[to + 2] = (word >> 8) & 15;
    out[to + 3] = (word >> 12) & 15;
    out[to + 4] = (word >> 16) & 15;
    out[to + 5] = (word >> 20) & 15;
    out[to + 6] = (word >> 24) & 15;
    out[to + 7] = (word >> 28) & 15;
  }
  for (shift = 0; to < end; to++, shift += 4) out[to] = (words[from]! >> shift) & 15;
}

function unpackAny(
  { words, stride }: Block,
  column: number,
  { bit, bits, count }: BitRun,
  out: Float32Array,
  at: number,
) {
  const mask = (1 << bits) - 1;
  let from = Math.floor(bit / 32) * stride + column;
  let shift = bit % 32;
  for (let i = 0; i < count; i++) {
    const low = words[from]! >>> shift;
    const past = shift + bits - 32;
    out[at + i] = (past > 0 ? low | (words[from + stride]! << (32 - shift)) : low) & mask;
    shift += bits;
    if (shift >= 32) {
      shift -= 32;
      from += stride;
    }
  }
}
