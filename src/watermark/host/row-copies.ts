/** Bytes of rows that are worked on together: they stay in the L2 cache while they are read, marked and read again. */
const GROUP_BYTES = 1 << 18;

/** Consecutive rows of a view in a buffer of stored elements. */
export interface RowGroup {
  readonly first: number;
  readonly count: number;
  readonly cols: number;
  /** Elements between two columns. */
  readonly colStride: number;
  /** Bytes of an element: 1, 2, 4 or 8. */
  readonly width: number;
  /** Byte where row `row` (numbered in its view) begins. */
  readonly offset: (row: number) => number;
}

export function groupRows(rowBytes: number): number {
  return Math.max(1, Math.floor(GROUP_BYTES / rowBytes));
}

/** Copies the rows one after the other to `target`. */
export function copyRows(stored: Uint8Array, group: RowGroup, target: Uint8Array): void {
  const { first, count, cols, colStride, width, offset } = group;
  const bytes = cols * width;
  if (colStride === 1) {
    for (let i = 0; i < count; i++) {
      const start = offset(first + i);
      target.set(stored.subarray(start, start + bytes), i * bytes);
    }
    return;
  }
  const from = elementsOf(stored, width);
  const to = elementsOf(target, width);
  const starts = Array.from({ length: count }, (_, i) => offset(first + i) / width);
  // Columns outside: neighbouring rows of a transposed matrix are neighbours in memory.
  for (let j = 0; j < cols; j++) {
    for (let i = 0; i < count; i++) to[i * cols + j] = from[starts[i]! + j * colStride]!;
  }
}

/** Puts rows that `copyRows` took back where they were. */
export function storeRows(rows: Uint8Array, group: RowGroup, stored: Uint8Array): void {
  const { first, count, cols, colStride, width, offset } = group;
  const bytes = cols * width;
  if (colStride === 1) {
    for (let i = 0; i < count; i++) stored.set(rows.subarray(i * bytes, (i + 1) * bytes), offset(first + i));
    return;
  }
  const from = elementsOf(rows, width);
  const to = elementsOf(stored, width);
  const starts = Array.from({ length: count }, (_, i) => offset(first + i) / width);
  for (let j = 0; j < cols; j++) {
    for (let i = 0; i < count; i++) to[starts[i]! + j * colStride] = from[i * cols + j]!;
  }
}

type Elements = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** The bytes, aligned to elements, as integers of their width; as f64 where it is 8, which moves them unchanged but NaN. */
function elementsOf(bytes: Uint8Array, width: number): Elements {
  const { buffer, byteOffset, length } = bytes;
  if (width === 1) return bytes;
  if (width === 2) return new Uint16Array(buffer, byteOffset, length / 2);
  if (width === 4) return new Uint32Array(buffer, byteOffset, length / 4);
  return new Float64Array(buffer, byteOffset, length / 8);
}
