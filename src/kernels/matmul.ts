import { WeightmarkError } from "../errors.ts";
import { loadKernels } from "./load-kernels.ts";

/** Tile of A (rows), of B (columns) and the depth summed before a partial sum is added: together they fit in L2. */
const TILE_ROWS = 64;
const TILE_COLUMNS = 256;
const DEPTH = 256;
/** Rows and elements of A that are packed at a time, for all columns of B: some 32 MB, of a memory that never shrinks. */
const BLOCK_ROWS = 1024;
const BLOCK_ELEMENTS = 1 << 23;

/** How a product is stored: row-major A [rows x depth], B [depth x columns], or B transposed [columns x depth]. */
export interface MatmulShape {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  /** @default false */
  readonly transposedB?: boolean;
}

/**
 * C = A B in f32, row-major [rows x columns]. Every product is rounded to f32 and added in order of depth within blocks
 * of 256, the block sums are added in order: the same bits on any machine; the error of an
 * element is below (256 + depth / 256) 2^-24 sum |a b|.
 */
export function matmul(a: Float32Array, b: Float32Array, shape: MatmulShape): Float32Array {
  checkShape(a, b, shape);
  const c = new Float32Array(shape.rows * shape.columns);
  const blockRows = Math.min(BLOCK_ROWS, Math.max(16, 4 * Math.floor(BLOCK_ELEMENTS / 4 / shape.depth)));
  for (let first = 0; first < shape.rows; first += blockRows) {
    multiplyRows(c, a, b, shape, first, Math.min(blockRows, shape.rows - first));
  }
  return c;
}

/** Rows [first, first + rows) of C. A is packed once, each tile of B once, and a strip of C stays until its sums are done. */
function multiplyRows(
  c: Float32Array,
  a: Float32Array,
  b: Float32Array,
  shape: MatmulShape,
  first: number,
  rows: number,
): void {
  const { depth, columns } = shape;
  const { arena, exports } = loadKernels();
  const paddedRows = Math.ceil(rows / 4) * 4;
  const tileColumns = Math.min(TILE_COLUMNS, Math.ceil(columns / 8) * 8);
  arena.scope(() => {
    const atA = arena.alloc(paddedRows * depth * 4);
    const atB = arena.alloc(tileColumns * Math.min(DEPTH, depth) * 4);
    const atC = arena.alloc(paddedRows * tileColumns * 4);
    for (let k = 0; k < depth; k += DEPTH) {
      const deep = Math.min(DEPTH, depth - k);
      packPanels(arena.f32(atA + paddedRows * k * 4, paddedRows * deep), a, depth, first, rows, k, deep, 4);
    }
    for (let j = 0; j < columns; j += tileColumns) {
      const width = Math.min(tileColumns, columns - j);
      const padded = Math.ceil(width / 8) * 8;
      const strip = arena.f32(atC, paddedRows * padded).fill(0);
      for (let k = 0; k < depth; k += DEPTH) {
        const deep = Math.min(DEPTH, depth - k);
        packB(arena.f32(atB, padded * deep), b, shape, j, width, k, deep);
        for (let i = 0; i < paddedRows; i += TILE_ROWS) {
          const panels = atA + (paddedRows * k + i * deep) * 4;
          exports.multiplyTile(panels, atB, atC + i * padded * 4, Math.min(TILE_ROWS, paddedRows - i), padded, deep);
        }
      }
      for (let r = 0; r < rows; r++) {
        c.set(strip.subarray(r * padded, r * padded + width), (first + r) * columns + j);
      }
    }
  });
}

/** Rows [first, first + count) of a row-major matrix, columns [k, k + deep), to panels [deep][lanes of 4 or 8], zero-padded. */
function packPanels(
  to: Float32Array,
  from: Float32Array,
  stride: number,
  first: number,
  count: number,
  k: number,
  deep: number,
  lanes: number,
): void {
  if (count % lanes !== 0) to.fill(0);
  // Four rows at a time, so that what is written lies together.
  for (let r = 0; r < count; r += 4) {
    let at = (r - (r % lanes)) * deep + (r % lanes);
    const s0 = (first + r) * stride + k;
    if (r + 4 > count) {
      for (let l = 0; r + l < count; l++) {
        for (let d = 0; d < deep; d++) to[at + l + d * lanes] = from[s0 + l * stride + d]!;
      }
      break;
    }
    const [s1, s2, s3] = [s0 + stride, s0 + 2 * stride, s0 + 3 * stride];
    for (let d = 0; d < deep; d++, at += lanes) {
      to[at] = from[s0 + d]!;
      to[at + 1] = from[s1 + d]!;
      to[at + 2] = from[s2 + d]!;
      to[at + 3] = from[s3 + d]!;
    }
  }
}

function packB(
  to: Float32Array,
  b: Float32Array,
  shape: MatmulShape,
  j: number,
  width: number,
  k: number,
  deep: number,
): void {
  if (shape.transposedB) {
    packPanels(to, b, shape.depth, j, width, k, deep, 8);
    return;
  }
  if (width % 8 !== 0) to.fill(0);
  for (let d = 0; d < deep; d++) {
    const source = (k + d) * shape.columns + j;
    for (let c = 0; c < width; c++) to[(c - (c % 8)) * deep + d * 8 + (c % 8)] = b[source + c]!;
  }
}

function checkShape(a: Float32Array, b: Float32Array, shape: MatmulShape): void {
  const { rows, depth, columns } = shape;
  if (a.length !== rows * depth || b.length !== depth * columns) {
    throw new WeightmarkError(
      "INTERNAL",
      `no product of ${rows} x ${depth} and ${depth} x ${columns} in what was given`,
    );
  }
}
