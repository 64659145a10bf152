import { type Decoder, type Levels, MAX_UNIT, type StoredRange } from "../decoder.ts";
import type { BlockDecoder } from "./block-decoder.ts";
import type { BlockLevels } from "./block-levels.ts";

/** Rows of blocks as they are stored, one after the other. */
export interface StoredRows {
  readonly file: number;
  /** Offset of the first row. */
  readonly begin: number;
  /** Elements of a row, whole blocks. */
  readonly columns: number;
  /** Of a block. */
  readonly blockElements: number;
  readonly blockBytes: number;
  readonly decode: BlockDecoder;
  /** What the values were rounded to, where that is known. */
  readonly levels?: BlockLevels | null | undefined;
}

/** The values of rows as they lie. */
export function blocksAsStored(rows: StoredRows): Decoder {
  const { file, begin, blockElements, blockBytes, decode } = rows;
  const bytes = (elements: number) => (elements / blockElements) * blockBytes;
  return {
    unit: blockElements,
    ranges: (first, count) => [{ file, start: begin + bytes(first), end: begin + bytes(first + count) }],
    decode: ([stored], _first, _count, out) => decode(stored!, out),
    levels: levelsOf([rows], ([one]) => blocksAsStored(one!)),
  };
}

/** The levels of rows that are laid as their values are; of several types there are no such. */
function levelsOf(rows: readonly StoredRows[], laid: (rows: readonly StoredRows[]) => Decoder): Levels | undefined {
  const [first] = rows.map(({ levels }) => levels ?? null);
  if (first === null || first === undefined || rows.some(({ levels }) => levels?.of !== first.of)) return undefined;
  const by = (part: "step" | "low") => laid(rows.map((row) => ({ ...row, decode: row.levels![part]!, levels: null })));
  return { step: by("step"), low: first.low === null ? null : by("low"), of: first.of, block: rows[0]!.blockElements };
}

/** Where a row of a tensor comes from: one of several sources, and the number of a row there. */
export type RowOrigin = readonly [source: number, row: number];

/** Neighbouring rows that come from neighbouring rows. */
interface Run {
  readonly source: number;
  readonly row: number;
  readonly count: number;
}

/**
 * The values of a tensor whose rows are those of others in another order.
 *
 * @param sources all of one row length, which is a unit
 */
export function rowsReordered(sources: readonly StoredRows[], originOf: (row: number) => RowOrigin): Decoder {
  const { columns } = sources[0]!;
  const runs = (first: number, count: number): Run[] => {
    const found: { source: number; row: number; count: number }[] = [];
    for (let row = first / columns; row < (first + count) / columns; row++) {
      const [source, from] = originOf(row);
      const last = found.at(-1);
      if (last !== undefined && last.source === source && last.row + last.count === from) last.count++;
      else found.push({ source, row: from, count: 1 });
    }
    return found;
  };
  const rowBytes = sources.map(({ blockElements, blockBytes }) => (columns / blockElements) * blockBytes);
  return {
    unit: columns,
    levels: levelsOf(sources, (rows) => rowsReordered(rows, originOf)),
    ranges: (first, count) =>
      runs(first, count).map(({ source, row, count }): StoredRange => {
        const { file, begin } = sources[source]!;
        const bytes = rowBytes[source]!;
        return { file, start: begin + row * bytes, end: begin + (row + count) * bytes };
      }),
    decode(stored, first, count, out) {
      let at = 0;
      for (const [i, run] of runs(first, count).entries()) {
        const values = run.count * columns;
        sources[run.source]!.decode(stored[i]!, out.subarray(at, at + values));
        at += values;
      }
    },
  };
}

/** Whether rows of so many elements can be taken apart. */
export function isUnit(columns: number): boolean {
  return columns >= 1 && columns <= MAX_UNIT;
}

/** The same values and a number. */
export function shifted({ unit, ranges, decode }: Decoder, by: number): Decoder {
  return {
    unit,
    ranges,
    decode(stored, first, count, out) {
      decode(stored, first, count, out);
      for (let i = 0; i < out.length; i++) out[i] = out[i]! + by;
    },
  };
}

/**
 * Heads of a matrix whose first rows are stored transposed, apart from the others: of each head `inner` rows out of `turned`,
 * where they are columns, then `outer` rows of `plain`. A head is a unit.
 *
 * @param turned of each head as many rows as `plain` has columns, `inner` columns
 */
export function headsJoined(turned: StoredRows, inner: number, plain: StoredRows, outer: number): Decoder {
  const { columns } = plain;
  const unit = (inner + outer) * columns;
  const bytesOf = ({ columns, blockElements, blockBytes }: StoredRows) => (columns / blockElements) * blockBytes;
  const headBytes = [columns * bytesOf(turned), outer * bytesOf(plain)] as const;
  return {
    unit,
    ranges(first, count) {
      const ranges: StoredRange[] = [];
      for (let head = first / unit; head < (first + count) / unit; head++) {
        for (const [i, { file, begin }] of [turned, plain].entries()) {
          ranges.push({ file, start: begin + head * headBytes[i]!, end: begin + (head + 1) * headBytes[i]! });
        }
      }
      return ranges;
    },
    decode(stored, _first, count, out) {
      const columnsFirst = new Float32Array(inner * columns);
      for (let head = 0; head < count / unit; head++) {
        turned.decode(stored[2 * head]!, columnsFirst);
        const to = head * unit;
        for (let c = 0; c < columns; c++)
          for (let r = 0; r < inner; r++) out[to + r * columns + c] = columnsFirst[c * inner + r]!;
        plain.decode(stored[2 * head + 1]!, out.subarray(to + inner * columns, to + unit));
      }
    },
  };
}
