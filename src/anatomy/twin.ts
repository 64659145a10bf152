import type { CanonicalTensor, TensorTable } from "./anatomy.ts";
import { compareNames } from "./natural-order.ts";
import type { Reach } from "./reach.ts";
import { transposedView } from "./view.ts";

/** A transposed view is read with its whole tensor, so large ones get none, and a hostile model not too many. */
const MAX_ELEMENTS = 2 ** 24;
const MAX_TWINS = 4096;
/** Linears with names are as they should be but for mischief: a model of more elements than this in them gets no twins for it. */
const MAX_OPEN = 2 ** 24;
/** Below this confidence names say nothing of most matrices. */
const UNNAMED = 0.5;
/** Share of neighbours in a chain that must fit, and how many of them there must be. */
const FITTING = 0.8;
const FEWEST_PAIRS = 2;

export interface TwinContext {
  readonly tensors: TensorTable;
  readonly reaches: ReadonlyMap<string, Reach>;
  readonly confidence: number;
  /** Linears with names of which no shape tells how they lie. */
  readonly open: ReadonlySet<string>;
  /** Linears of which it is known how they lie. */
  readonly known: ReadonlySet<string>;
}

/**
 * Adds the other way to read linears of which neither names nor shapes say which way they lie: exports keep them as
 * [in, out] or [out, in], and content shows which. Inside layers only where most names say nothing. Where each linear of
 * a chain writes what the next one reads, there is no question; where that is so of the transposed ones, these come
 * first and the stored ones are the twins. Linears with names get one where `context` says that nothing tells.
 */
export function withTwins(matrices: readonly CanonicalTensor[], context: TwinContext): readonly CanonicalTensor[] {
  const open = new Set(matrices.filter((matrix) => isOpen(matrix, context)));
  const order = chainOrders([...open]);
  const named = namedOpen(matrices, context);
  const all: CanonicalTensor[] = [];
  let twins = 0;
  for (const matrix of matrices) {
    const way = open.has(matrix) ? order.get(matrix.stack) : named.has(matrix) ? "unknown" : "out-in";
    if (way === "out-in" || matrix.rows * matrix.cols > MAX_ELEMENTS || twins === MAX_TWINS) {
      all.push(matrix);
      continue;
    }
    twins += 1;
    const { rowOffset: _, ...place } = matrix;
    const other = transposedView(place, matrix.cols, matrix.rows);
    if (way === "in-out") all.push(other, { ...matrix, twin: true });
    else all.push(matrix, { ...other, twin: true });
  }
  return all;
}

function isOpen({ role, candidates, tensor, layer, colStride }: CanonicalTensor, context: TwinContext): boolean {
  if (role !== "unknown" || candidates !== undefined || context.reaches.has(tensor) || colStride !== 1) return false;
  if (context.known.has(tensor)) return false;
  if (layer >= 0 && context.confidence >= UNNAMED) return false;
  return context.tensors.get(tensor)!.shape.length === 2;
}

function namedOpen(matrices: readonly CanonicalTensor[], context: TwinContext): ReadonlySet<CanonicalTensor> {
  const named = matrices.filter(({ tensor, colStride }) => colStride === 1 && context.open.has(tensor));
  const elements = named.reduce((sum, { rows, cols }) => sum + rows * cols, 0);
  return new Set(elements > MAX_OPEN || named.length < 2 ? [] : named);
}

/** Which way the linears of each stack lie, as far as the natural order of their names shows; "unknown" elsewhere. */
function chainOrders(matrices: readonly CanonicalTensor[]): ReadonlyMap<string, "out-in" | "in-out" | "unknown"> {
  const stacks = new Map<string, CanonicalTensor[]>();
  for (const matrix of matrices) {
    const stack = stacks.get(matrix.stack);
    if (stack === undefined) stacks.set(matrix.stack, [matrix]);
    else stack.push(matrix);
  }
  const orders = new Map<string, "out-in" | "in-out" | "unknown">();
  for (const [name, stack] of stacks) {
    stack.sort((a, b) => compareNames(a.tensor, b.tensor));
    let [plain, transposed] = [0, 0];
    for (let i = 1; i < stack.length; i++) {
      const [one, next] = [stack[i - 1] as CanonicalTensor, stack[i] as CanonicalTensor];
      if (one.rows === next.cols) plain += 1;
      if (one.cols === next.rows) transposed += 1;
    }
    const enough = Math.max(FEWEST_PAIRS, FITTING * (stack.length - 1));
    const isPlain = plain >= enough && plain > transposed;
    orders.set(name, isPlain ? "out-in" : transposed >= enough && transposed > plain ? "in-out" : "unknown");
  }
  return orders;
}
