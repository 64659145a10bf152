import type { DenseEngine } from "../numerics/dense-engine.ts";
import { softcap } from "./activation.ts";
import type { Architecture } from "./architecture.ts";

/** Queries whose scores are computed together: memory stays linear in the context, and half of the square is skipped. */
const QUERY_TILE = 128;

/** q [tokens x heads * headSize], k and v [tokens x keyValueHeads * headSize], after norms and rotation. */
export interface Heads {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
}

type Sizes = Pick<Architecture, "heads" | "keyValueHeads" | "headSize" | "attentionScale" | "attentionSoftcap">;

/**
 * Causal scaled dot-product attention (Vaswani et al. 2017) over sequences of `lengths` tokens, one after the other;
 * query heads share keys and values in groups (Ainslie et al. 2023). [tokens x heads * headSize]; softmax in f64.
 */
export function attend(
  engine: DenseEngine,
  sizes: Sizes,
  { q, k, v }: Heads,
  lengths: readonly number[],
  window: number | null,
): Float32Array {
  const { heads, keyValueHeads, headSize } = sizes;
  const out = new Float32Array(q.length);
  let first = 0;
  for (const length of lengths) {
    for (let shared = 0; shared < keyValueHeads; shared++) {
      const keys = headOf(k, first, length, shared, keyValueHeads, headSize);
      const values = headOf(v, first, length, shared, keyValueHeads, headSize);
      const group = heads / keyValueHeads;
      for (let head = shared * group; head < (shared + 1) * group; head++) {
        const queries = headOf(q, first, length, head, heads, headSize);
        for (let from = 0; from < length; from += QUERY_TILE) {
          const rows = Math.min(QUERY_TILE, length - from);
          const lowest = window === null ? 0 : Math.max(0, from - window + 1);
          const seen = from + rows - lowest;
          const tile = queries.subarray(from * headSize, (from + rows) * headSize);
          const near = keys.subarray(lowest * headSize, (from + rows) * headSize);
          const scores = engine.matmulT(tile, near, rows, headSize, seen);
          weigh(scores, rows, seen, from - lowest, window, sizes);
          const far = values.subarray(lowest * headSize, (from + rows) * headSize);
          const mixed = engine.matmul(scores, far, rows, seen, headSize);
          for (let r = 0; r < rows; r++) {
            const to = ((first + from + r) * heads + head) * headSize;
            out.set(mixed.subarray(r * headSize, (r + 1) * headSize), to);
          }
        }
      }
    }
    first += length;
  }
  return out;
}

/** One head of one sequence, [length x headSize]. */
function headOf(
  x: Float32Array,
  first: number,
  length: number,
  head: number,
  heads: number,
  size: number,
): Float32Array {
  const out = new Float32Array(length * size);
  for (let t = 0; t < length; t++) {
    const from = ((first + t) * heads + head) * size;
    out.set(x.subarray(from, from + size), t * size);
  }
  return out;
}

/** Scores to weights in place. Row r stands at key `offset + r`: later ones, and those before its window, get none. */
function weigh(
  scores: Float32Array,
  rows: number,
  columns: number,
  offset: number,
  window: number | null,
  { attentionScale, attentionSoftcap }: Sizes,
): void {
  for (let i = 0; i < scores.length; i++) scores[i]! *= attentionScale;
  if (attentionSoftcap !== null) softcap(scores, attentionSoftcap);
  for (let r = 0; r < rows; r++) {
    const row = scores.subarray(r * columns, (r + 1) * columns);
    const end = offset + r + 1;
    const begin = window === null ? 0 : Math.max(0, end - window);
    row.fill(0, 0, begin);
    row.fill(0, end);
    softmax(row.subarray(begin, end));
  }
}

function softmax(x: Float32Array): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < x.length; i++) most = Math.max(most, x[i]!);
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    const e = Math.exp(x[i]! - most);
    x[i] = e;
    sum += e;
  }
  const scale = 1 / sum;
  for (let i = 0; i < x.length; i++) x[i]! *= scale;
}
