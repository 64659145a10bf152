import { type Decoder, type Opened, type StoredRange, type Together, WINDOW_BYTES } from "../decoder.ts";
import { isNibbleRows } from "./nibble-rows.ts";
import { constantNumbers } from "./numbers.ts";
import { type Blocks, blocksOf } from "./scale-blocks.ts";
import { apply, applyByTable, applyFloats, asOneRow, scaledFloat } from "./segment.ts";
import { isUpright, type UprightCodes } from "./upright-codes.ts";

/** (code - zero) x scale + bias. */
export interface Scaled {
  readonly cols: number;
  readonly codes: Decoder;
  readonly scale: Blocks;
  /** Zero points, laid out as the scales are. */
  readonly zero?: Decoder | undefined;
  /** What is added in the end, laid out as the scales are. */
  readonly bias?: Decoder | undefined;
  /** What codes there are: whole numbers from `lowest` on, or the numbers of a table in ascending order. */
  readonly range?: CodeRange | undefined;
  /** See `Levels`. */
  readonly block?: number | undefined;
}

export type CodeRange = { readonly lowest: number; readonly count: number } | Float32Array;

/** Codes of 4 bits that share a scale, from which on their sixteen values are computed in the place of each one. */
const WORTH_A_TABLE = 32;
/** Blocks of a row from which on rows are decoded apart: what lies across two would need the blocks of all of both. */
const LONG_ROW = 1 << 14;
/** Of a scale, a zero point and a bias. */
const MOST_SCALE_BYTES = 12;

/**
 * Values of codes that are scaled block by block. All decoders have units of one element; what is read of the scales at a
 * time is what the codes that are read need, so memory stays within a few rows.
 */
export function scaled({ cols, codes, scale, zero, bias, range, block }: Scaled): Decoder {
  const layers = [scale.numbers, zero, bias].filter((numbers) => numbers !== undefined);
  const nibbles = isNibbleRows(codes) && scale.columnOf === undefined && scale.cols >= WORTH_A_TABLE ? codes : null;
  const isTable = range instanceof Float32Array;
  const levels = range !== undefined && {
    step: scaled({ cols, codes: constantNumbers(1), scale }),
    low: isTable ? null : scaled({ cols, codes: constantNumbers(range.lowest), scale, zero, bias }),
    of: isTable ? range : range.count,
    block,
  };
  /** Elements [first, first + count) of which the bytes are given: the parts of them, where the codes are read by windows. */
  function open(stored: readonly Uint8Array[], first: number, count: number, room = newNumbers): Opened {
    let taken = 0;
    const take = (ranges: readonly StoredRange[]): readonly Uint8Array[] => {
      taken += ranges.length;
      return stored.slice(taken - ranges.length, taken);
    };
    const own = take(codes.ranges(first, count));
    const blocks = blocksOf(scale, cols, first, count);
    const [scales, ...others] = layers.map((numbers) => {
      const held = room(blocks.count);
      numbers.decode(take(numbers.ranges(blocks.first, blocks.count)), blocks.first, blocks.count, held);
      return held;
    });
    const zeros = zero === undefined ? null : others[0]!;
    const biases = bias === undefined ? null : others.at(-1)!;
    const segmentAt = (row: number, from: number) => {
      const offset = scale.rowOf(row) * scale.across - blocks.first;
      return { row, from, offset, scale, scales: scales!, zeros, biases };
    };
    const upright = isUpright(codes) ? codes.together.open(own, first, count) : null;
    const canScale = upright !== null && scale.columnOf === undefined && zeros !== null && biases === null;
    const float = zeros === null && biases === null ? scaledFloat(codes, scale) : null;
    if (float !== null && cols % scale.cols === 0) {
      return {
        decode(_first, _count, out) {
          applyFloats(float, own[0]!, asOneRow(scale, cols, first, count, scales!), out.subarray(0, count));
        },
      };
    }
    return {
      decode(begin, length, out) {
        if (canScale && (codes as UprightCodes).canScale(begin, length, scale.cols)) {
          upright.scale({ size: scale.cols, groups: scale.across, scales: scales!, zeros }, begin, length, out);
          return;
        }
        if (upright !== null) upright.decode(begin, length, out);
        else if (nibbles === null && float === null) codes.decode(own, begin, length, out);
        for (let at = 0; at < length; ) {
          const row = Math.floor((begin + at) / cols);
          const from = begin + at - row * cols;
          const n = Math.min(cols - from, length - at);
          const part = out.subarray(at, at + n);
          const segment = segmentAt(row, from);
          if (float !== null) applyFloats(float, own[0]!.subarray(at, at + n), segment, part);
          else if (nibbles !== null) applyByTable(nibbles, own[0]!, begin, segment, part);
          else apply(part, segment);
          at += n;
        }
      },
    };
  }

  return {
    unit: 1,
    ...(levels === false ? {} : { levels }),
    together: togetherOf(codes, cols, scale, open),
    seam: scale.across > LONG_ROW ? cols : undefined,
    ranges(first, count) {
      const blocks = blocksOf(scale, cols, first, count);
      return [codes, ...layers].flatMap((numbers, i) =>
        i === 0 ? numbers.ranges(first, count) : numbers.ranges(blocks.first, blocks.count),
      );
    },
    decode(stored, first, count, out) {
      withRoom((room) => open(stored, first, count, room).decode(first, count, out));
    },
  };
}

function newNumbers(count: number): Float32Array {
  return new Float32Array(count);
}

/** Numbers that were given back, the one given back last at the end: a new array for every few rows costs as much as they do. */
const rooms: Float32Array[] = [];
const MOST_ROOM = 1 << 14;

/** Runs `work` with arrays that are taken back when it is done. */
function withRoom(work: (room: (count: number) => Float32Array) => void): void {
  const lent: Float32Array[] = [];
  try {
    work((count) => {
      if (count > MOST_ROOM) return new Float32Array(count);
      const own = rooms.pop() ?? new Float32Array(MOST_ROOM);
      lent.push(own);
      return own.subarray(0, count);
    });
  } finally {
    rooms.push(...lent);
  }
}

/** As many whole rows as the codes want, unless their scales need more than codes do. */
function togetherOf(
  { together }: Decoder,
  cols: number,
  { across }: Blocks,
  open: Together["open"],
): Together | undefined {
  if (together === undefined) return undefined;
  const rows = Math.min(together.elements / cols, Math.floor(WINDOW_BYTES / (across * MOST_SCALE_BYTES)));
  return { elements: Math.max(1, rows) * cols, open };
}
