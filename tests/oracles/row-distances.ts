import type { NearestRows, RowDistances } from "../../src/kernels/nearest-rows.ts";
import { hammingMatrixPlain } from "./hamming.ts";

/** `rowDistances` in plain TypeScript: every distance is written down, and every row asked by itself. */
export function rowDistancesPlain(a: Uint32Array, b: Uint32Array, width: number): RowDistances {
  const words = Math.ceil(width / 32);
  const [rowsA, rowsB] = [a.length / words, b.length / words];
  const all = hammingMatrixPlain(a, rowsA, b, rowsB, words);
  const counts = new Uint32Array(width + 1);
  for (const d of all) counts[d]!++;
  const sides = (of: (d: number) => number) => ({
    a: nearestOf(
      Array.from({ length: rowsA }, (_, i) => Array.from({ length: rowsB }, (_, j) => of(all[i * rowsB + j]!))),
    ),
    b: nearestOf(
      Array.from({ length: rowsB }, (_, j) => Array.from({ length: rowsA }, (_, i) => of(all[i * rowsB + j]!))),
    ),
  });
  return { plain: sides((d) => d), folded: sides((d) => Math.min(d, width - d)), counts };
}

function nearestOf(lists: readonly (readonly number[])[]): NearestRows {
  const nobody = 0x3fffffff;
  const sorted = lists.map((list) => [...list, nobody, nobody].sort((x, y) => x - y));
  return {
    best: Uint32Array.from(sorted, ([best]) => best!),
    second: Uint32Array.from(sorted, ([, second]) => second!),
    at: Uint32Array.from(lists, (list, i) => Math.max(0, list.indexOf(sorted[i]![0]!))),
  };
}
