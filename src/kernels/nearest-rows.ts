import { WeightmarkError } from "../errors.ts";
import type { Arena } from "./arena.ts";
import { copyRows } from "./hamming.ts";
import { loadKernels } from "./load-kernels.ts";

/** For every row of one matrix, in how many signs it differs from the other's nearest row and the next, and the nearest. */
export interface NearestRows {
  readonly best: Uint32Array;
  /** As many as `best` where two are nearest; more than any row has where there is no other. */
  readonly second: Uint32Array;
  /** The first of equals. */
  readonly at: Uint32Array;
}

/** The nearest rows of both matrices. */
export interface NearestSides {
  readonly a: NearestRows;
  readonly b: NearestRows;
}

export interface RowDistances {
  /** Where rows count as they are; */
  readonly plain: NearestSides;
  /** and where a row and its opposite are one: to differ in d signs of `width` is to differ in width - d. */
  readonly folded: NearestSides;
  /** How many of all pairs differ in 0 .. width signs. */
  readonly counts: Uint32Array;
}

/** Farther than any row is from another. */
const NOBODY = 0x3fffffff;
/** Bytes of distances held at a time: they stay in the L1 cache until all has been asked of them. */
const TILE_BYTES = 1 << 15;

/**
 * What the distances of all rows of `a` to all rows of `b` tell, rows of `width` signs packed into words, unused bits 0.
 * There are millions of distances, and none of them is kept.
 */
export function rowDistances(a: Uint32Array, b: Uint32Array, width: number): RowDistances {
  const words = Math.ceil(width / 32);
  const [rowsA, rowsB] = [a.length / words, b.length / words];
  if (!(width < NOBODY && Number.isInteger(rowsA) && Number.isInteger(rowsB))) {
    throw new WeightmarkError("INTERNAL", `no rows of ${width} signs in what was given`);
  }
  const kernels = loadKernels();
  const { arena, exports } = kernels;
  const bytes = Math.ceil(words / 2) * 8;
  const tileRows = Math.max(1, Math.floor(TILE_BYTES / Math.max(4 * rowsB, bytes)));
  // As many as differ where a bit is set that is unused: it must not be counted beyond what is there.
  const size = 8 * bytes + 1;
  return arena.scope(() => {
    const atA = arena.alloc(tileRows * bytes);
    const atB = arena.alloc(rowsB * bytes);
    const distances = arena.alloc(tileRows * rowsB * 4);
    const tables = arena.alloc(4 * size * 4);
    const [plain, folded] = [new Sides(arena, rowsA, rowsB), new Sides(arena, rowsA, rowsB)];
    arena.u32(tables, 4 * size).fill(0);
    copyRows(kernels, b, 0, rowsB, words, atB);
    for (let first = 0; first < rowsA; first += tileRows) {
      const rows = Math.min(tileRows, rowsA - first);
      copyRows(kernels, a, first, rows, words, atA);
      exports.hammingRows(atA, rows, atB, rowsB, bytes, distances);
      exports.tallyFours(distances, rows * rowsB, tables, size);
      exports.meetNearest(distances, rows, rowsB, first, rowsA, 2 * NOBODY, plain.atA, plain.atB);
      exports.meetNearest(distances, rows, rowsB, first, rowsA, width, folded.atA, folded.atB);
    }
    const four = arena.u32(tables, 4 * size);
    const counts = new Uint32Array(width + 1);
    for (let k = 0; k < 4; k++) for (let d = 0; d <= width; d++) counts[d]! += four[k * size + d]!;
    return { plain: plain.told(arena), folded: folded.told(arena), counts };
  });
}

/** The nearest rows of both sides while they are sought, as `meetNearest` wants them. */
class Sides {
  readonly atA: number;
  readonly atB: number;
  readonly #rowsA: number;
  readonly #rowsB: number;

  constructor(arena: Arena, rowsA: number, rowsB: number) {
    [this.#rowsA, this.#rowsB] = [rowsA, rowsB];
    [this.atA, this.atB] = [arena.alloc(3 * rowsA * 4), arena.alloc(3 * rowsB * 4)];
    arena
      .u32(this.atA, 3 * rowsA)
      .fill(NOBODY, 0, 2 * rowsA)
      .fill(0, 2 * rowsA);
    arena
      .u32(this.atB, 3 * rowsB)
      .fill(NOBODY, 0, 2 * rowsB)
      .fill(0, 2 * rowsB);
  }

  told(arena: Arena): NearestSides {
    const of = (at: number, rows: number): NearestRows => {
      const all = arena.u32(at, 3 * rows).slice();
      return { best: all.subarray(0, rows), second: all.subarray(rows, 2 * rows), at: all.subarray(2 * rows) };
    };
    return { a: of(this.atA, this.#rowsA), b: of(this.atB, this.#rowsB) };
  }
}
