import { hasUprightKernel, type UprightNumbers, UprightRows } from "../../kernels/upright-rows.ts";
import { type Decoder, type Opened, type Together, WINDOW_BYTES } from "../decoder.ts";
import { unpackAny, unpackFours, unpackWhole } from "./column-codes.ts";
import type { Stored } from "./numbers.ts";
import { wordColumns } from "./word-columns.ts";
import { type Block, type Rectangle, wordGrid } from "./word-grid.ts";

/**
 * The codes of GPTQ as [out, in]: stored are words [in bits / 32, out], of which each begins with the code of its first
 * input, and a code may lie across two words that stand above one another. Columns of words are rows of codes, so no row is
 * read with others.
 */
export function gptqCodes(tensor: Stored, out: number, into: number, bits: number): Decoder {
  const unpack = bits === 4 ? unpackFours : 32 % bits === 0 ? unpackWhole : unpackAny;
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

/** Rows from which on it is worth laying out what lies around them. */
const MANY_ROWS = 4;

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
    const around = wordColumns({ block, place });
    return {
      decode(first, count, out) {
        const isMany = count > MANY_ROWS * into;
        for (let at = 0; at < count; ) {
          const row = Math.floor((first + at) / into);
          const col = first + at - row * into;
          const n = Math.min(into - col, count - at);
          const run = { row, col, count: n };
          if (isMany) {
            const near = around(rectangleOf({ row, lastRow: row, col: 0, lastCol: 0 }).left);
            unpack(near.block, near.place, run, out, at);
          } else unpack(block, place, run, out, at);
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
