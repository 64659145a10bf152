import type { AddressedMatrix, StoredPiece } from "../../rows/addressed-matrix.ts";

/** Rows for the kernel: as stored, or decoded and padded to whole groups of eight columns. */
export async function kernelRows(
  matrix: Pick<AddressedMatrix, "cols" | "read" | "stored">,
  first: number,
  count: number,
): Promise<StoredPiece> {
  const { cols } = matrix;
  if (matrix.stored !== undefined && cols % 8 === 0) return matrix.stored(first, count);
  const values = await matrix.read(first, count);
  const fill = (target: Uint8Array): void => {
    const tile = new Float32Array(target.buffer, target.byteOffset, target.length / 4);
    const padded = tile.length / count;
    if (padded !== cols) tile.fill(0);
    for (let i = 0; i < count; i++) tile.set(values.subarray(i * cols, (i + 1) * cols), i * padded);
  };
  return { dtype: "F32", fill };
}
