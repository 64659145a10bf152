import { tile } from "../../kernels/tiles.ts";

/** Rows of the left factor and columns of the right one that are multiplied at a time, and the depth of a partial sum. */
const TILE_ROWS = 64;
const TILE_COLUMNS = 64;
const DEPTH = 256;
const ROW_LANES = 4;
const COLUMN_LANES = 8;

/**
 * left [rows x depth] times right [depth x columns] in f32, row-major, to the bit as `matmul` gives it. Nothing is allocated in
 * the kernels' memory: what is decoded may lie there already, and is lost to its readers where that memory grows.
 */
export function factorProduct(left: Float32Array, right: Float32Array, rows: number, columns: number): Float32Array {
  const depth = right.length / columns;
  const out = new Float32Array(rows * columns);
  const { kernels, stored: atLeft, values: atRight, numbers: atSums } = tile();
  const { arena, exports } = kernels;
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    const width = Math.min(TILE_COLUMNS, columns - j);
    const padded = upTo(width, COLUMN_LANES);
    for (let i = 0; i < rows; i += TILE_ROWS) {
      const height = Math.min(TILE_ROWS, rows - i);
      const high = upTo(height, ROW_LANES);
      const sums = arena.f32(atSums, high * padded).fill(0);
      for (let k = 0; k < depth; k += DEPTH) {
        const deep = Math.min(DEPTH, depth - k);
        packRows(arena.f32(atLeft, high * deep), left, { first: i, count: height, depth, from: k, deep });
        packColumns(arena.f32(atRight, padded * deep), right, { first: j, count: width, columns, from: k, deep });
        exports.multiplyTile(atLeft, atRight, atSums, high, padded, deep);
      }
      for (let r = 0; r < height; r++) {
        out.set(sums.subarray(r * padded, r * padded + width), (i + r) * columns + j);
      }
    }
  }
  return out;
}

function upTo(count: number, lanes: number): number {
  return Math.ceil(count / lanes) * lanes;
}

interface Part {
  readonly first: number;
  readonly count: number;
  readonly from: number;
  readonly deep: number;
}

/** Four rows beside one another for each step of the depth; rows that are not there are zeros. */
function packRows(to: Float32Array, rows: Float32Array, part: Part & { readonly depth: number }): void {
  const { first, count, depth, from, deep } = part;
  to.fill(0);
  for (let r = 0; r < count; r++) {
    const source = (first + r) * depth + from;
    const panel = (r - (r % ROW_LANES)) * deep + (r % ROW_LANES);
    for (let d = 0; d < deep; d++) to[panel + d * ROW_LANES] = rows[source + d]!;
  }
}

/** Eight columns beside one another for each step of the depth. */
function packColumns(to: Float32Array, matrix: Float32Array, part: Part & { readonly columns: number }): void {
  const { first, count, columns, from, deep } = part;
  to.fill(0);
  for (let d = 0; d < deep; d++) {
    const source = (from + d) * columns + first;
    for (let c = 0; c < count; c++) {
      to[(c - (c % COLUMN_LANES)) * deep + d * COLUMN_LANES + (c % COLUMN_LANES)] = matrix[source + c]!;
    }
  }
}
