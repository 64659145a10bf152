import type { CanonicalTensor, TensorTable } from "../../src/anatomy/anatomy.ts";
import type { Dtype } from "../../src/formats/tensor-info.ts";

/** Lines of `name d0 d1 ...`, bf16 unless a dtype stands before the dimensions. */
export function tableOf(lines: string): TensorTable {
  return new Map(
    lines
      .trim()
      .split("\n")
      .map((line) => {
        const [name, ...rest] = line.trim().split(/\s+/) as [string, ...string[]];
        const typed = rest.length > 0 && Number.isNaN(Number(rest[0]));
        const dtype = (typed ? rest.shift() : "BF16") as Dtype;
        return [name, { name, dtype, shape: rest.map(Number) }];
      }),
  );
}

/** `component layer [expert] role rows x cols @ first offset of each of the first two rows, column stride < gain`. */
export function lineOf(matrix: CanonicalTensor): string {
  const { component, layer, expert, role, rows, cols, rowOffset, colStride, gain } = matrix;
  const where = `${component} ${layer}${expert < 0 ? "" : ` #${expert}`} ${role} ${rows}x${cols}`;
  const geometry = ` @${rowOffset(0)},${rowOffset(Math.min(1, rows - 1))}${colStride === 1 ? "" : ` /${colStride}`}`;
  return `${where}${geometry}${gain === null ? "" : ` < ${gain.plusOne ? "1+" : ""}${gain.tensor}`}`;
}
