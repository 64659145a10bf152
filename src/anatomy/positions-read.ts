import type { CanonicalTensor, Role } from "./anatomy.ts";
import type { Parameter } from "./layer.ts";
import { compareNames } from "./natural-order.ts";
import { positionPart } from "./position-words.ts";

/** Attention along positions still reads the stream, and tables are read by index. */
const READ_OTHERWISE: ReadonlySet<Role> = new Set<Role>([
  "q",
  "k",
  "v",
  "qkv",
  "embed",
  "head",
  "position",
  "token_type",
]);

export interface PositionsRead {
  /** Whether the columns of a matrix are positions. */
  readonly reads: (matrix: CanonicalTensor) => boolean;
  /** Whether a matrix is part of what mixes positions: what it reads of other widths are hidden units. */
  readonly mixes: (matrix: CanonicalTensor) => boolean;
}

/** By the words of names: the first matrix of a part that mixes positions reads as many as there are. */
export function positionsRead(
  matrices: readonly CanonicalTensor[],
  parameterOf: (tensor: string) => Parameter,
): PositionsRead {
  const widths = new Map<string, number>();
  const parts = new Map<string, string>();
  const firsts = new Map<string, string>();
  for (const { tensor, cols, role, twin } of matrices) {
    if (twin === true || READ_OTHERWISE.has(role)) continue;
    const part = positionPart(parameterOf(tensor).name);
    if (part === null) continue;
    parts.set(tensor, part);
    const first = firsts.get(part);
    if (first !== undefined && compareNames(first, tensor) <= 0) continue;
    firsts.set(part, tensor);
    widths.set(part, cols);
  }
  const widthOf = ({ tensor }: CanonicalTensor): number | undefined => widths.get(parts.get(tensor) ?? "");
  return {
    reads: (matrix) => widthOf(matrix) === matrix.cols,
    mixes: (matrix) => {
      const width = widthOf(matrix);
      return width !== undefined && width !== matrix.cols;
    },
  };
}
