import type { Axis, CanonicalTensor, Role } from "./anatomy.ts";
import type { Parameter } from "./layer.ts";
import { compareNames } from "./natural-order.ts";
import { positionPart } from "./position-words.ts";
import { EMBEDDINGS, outerStacks } from "./stack.ts";
import { type Flow, readFlow, type WidthFlow } from "./width-flow.ts";

/** Roles that read the residual stream whatever the names around them say. */
const ATTENTION: ReadonlySet<Role> = new Set<Role>(["q", "k", "v", "qkv"]);
const RESIDUAL: ReadonlySet<Role> = new Set<Role>([...ATTENTION, "gate", "up", "router"]);
const TOKENS: ReadonlySet<Role> = new Set<Role>(["embed", "head"]);
/** Tables are indexed by tokens or places and write their columns. */
const TABLES: ReadonlySet<Role> = new Set<Role>([...TOKENS, "position", "token_type"]);
const MAY_BE_CHANNELS: ReadonlySet<Role> = new Set<Role>(["unknown", "other"]);

/** Which part of the model each matrix belongs to and what its columns count, decided from all matrices together. */
export function labelled(
  matrices: readonly CanonicalTensor[],
  parameters: readonly Parameter[],
): readonly CanonicalTensor[] {
  const stacked = withStacks(matrices);
  const parameterOf = new Map<string, { readonly parameter: Parameter; readonly order: number }>();
  parameters.forEach((parameter, order) => {
    parameterOf.set(parameter.tensor, { parameter, order });
  });
  const flowOf = (matrix: CanonicalTensor): Flow => flowOfMatrix(matrix, parameterOf.get(matrix.tensor)!.order);
  const flow = readFlow(stacked.map(flowOf));
  const positions = positionsRead(stacked, (tensor) => parameterOf.get(tensor)!.parameter);
  const attends = stacked.some(({ role, candidates }) => ATTENTION.has(role) || candidates?.includes("v") === true);
  return stacked.map((matrix) => {
    const axis = positions.reads(matrix) ? null : axisOf(matrix);
    if (axis !== "channels") return { ...matrix, axis, block: matrix.cols };
    const one = flowOf(matrix);
    const hidden = positions.mixes(matrix) || flow.isInternal(one);
    const block = hidden ? blockOf(matrix, one, flow, attends) : null;
    return block === null ? { ...matrix, axis: null, block: matrix.cols } : { ...matrix, axis, block };
  });
}

function withStacks(matrices: readonly CanonicalTensor[]): readonly CanonicalTensor[] {
  const outside = matrices.filter((matrix) => matrix.layer < 0 && !isTokenTable(matrix));
  const stacks = outerStacks(matrices, outside);
  return matrices.map((matrix) => {
    if (matrix.layer >= 0) return matrix;
    return { ...matrix, stack: isTokenTable(matrix) ? EMBEDDINGS : (stacks.get(matrix.tensor) as string) };
  });
}

/** Rows are token ids, by the role or because nothing else is possible. */
function isTokenTable({ role, candidates }: Pick<CanonicalTensor, "role" | "candidates">): boolean {
  return role === "unknown" ? everyCandidate(candidates, TOKENS) : TOKENS.has(role);
}

function everyCandidate(candidates: readonly Role[] | undefined, roles: ReadonlySet<Role>): boolean {
  return candidates !== undefined && candidates.length > 0 && candidates.every((role) => roles.has(role));
}

/** "channels" only if another matrix writes the columns. */
function axisOf(matrix: CanonicalTensor): Axis | null {
  const { role, candidates, layer } = matrix;
  if (RESIDUAL.has(role) || isTokenTable(matrix)) return "residual";
  if (role === "down") return "neurons";
  // What stands for itself outside the layers (poolers, projections, classifiers) reads hidden units.
  if (!MAY_BE_CHANNELS.has(role) || (role === "other" && layer >= 0)) return null;
  if (everyCandidate(candidates, RESIDUAL)) return "residual";
  return candidates?.length === 1 && candidates[0] === "down" ? "neurons" : "channels";
}

/**
 * Columns of an attention's output count the channels of its heads, which can be exchanged within a head only: where a
 * matrix may be one, only neighbours are taken for alike.
 */
function blockOf(matrix: CanonicalTensor, one: Flow, flow: WidthFlow, attends: boolean): number | null {
  const run = flow.runOf(one, matrix.cols);
  const mayBeOutput = matrix.role === "unknown" && (matrix.candidates !== undefined || attends);
  if (run === null || !mayBeOutput) return run;
  return run % 2 === 0 ? 2 : null;
}

function flowOfMatrix(matrix: CanonicalTensor, order: number): Flow {
  const { tensor, stack, layer, role, rows, cols } = matrix;
  const table = TABLES.has(role) || isTokenTable(matrix);
  return { tensor, stack, layered: layer >= 0, order, reads: table ? 0 : cols, writes: table ? cols : rows };
}

interface PositionsRead {
  /** Whether the columns of a matrix are positions. */
  readonly reads: (matrix: CanonicalTensor) => boolean;
  /** Whether a matrix is part of what mixes positions: what it reads of other widths are hidden units. */
  readonly mixes: (matrix: CanonicalTensor) => boolean;
}

/** By the words of names: the first matrix of a part that mixes positions reads as many as there are. */
function positionsRead(
  matrices: readonly CanonicalTensor[],
  parameterOf: (tensor: string) => Parameter,
): PositionsRead {
  const widths = new Map<string, number>();
  const parts = new Map<string, string>();
  const firsts = new Map<string, string>();
  for (const { tensor, cols, role } of matrices) {
    if (ATTENTION.has(role) || TABLES.has(role)) continue;
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
