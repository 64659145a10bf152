import type { RowOrigin } from "../../decoding/ggml/tensor-decoder.ts";

/**
 * What llama.cpp's converter did to a tensor. "rope q" and "rope k": rows of each head are interleaved, so that the two halves
 * that are rotated together are neighbours. "per head" and "grouped": q, k and v of fused attention were put one behind the
 * other. "plus one": 1 was added. "row": an axis of one entry was left out.
 */
export type Undo = "rope q" | "rope k" | "per head" | "grouped" | "plus one" | "row";

/** Heads of queries and of keys in a layer, as the file says. */
export interface Heads {
  readonly q: number;
  readonly kv: number;
}

/** Which stored row each row of Hugging Face's tensor is, or null where the heads do not fit the rows. */
export function rowOrder(undo: Undo, rows: number, { q, kv }: Heads): ((row: number) => number) | null {
  if (undo === "rope q" || undo === "rope k") return ropeOrder(rows, undo === "rope q" ? q : kv);
  if (undo === "per head") return groupedOrder(rows, q, q);
  return undo === "grouped" ? groupedOrder(rows, q, kv) : null;
}

/** Rows 2i and 2i+1 of a stored head are its rows i and i + half. */
function ropeOrder(rows: number, heads: number): ((row: number) => number) | null {
  const size = rows / heads;
  if (!Number.isInteger(size / 2)) return null;
  const half = size / 2;
  return (row) => {
    const inHead = row % size;
    return row - inHead + (inHead < half ? 2 * inHead : 2 * (inHead - half) + 1);
  };
}

/** Stored are all q, then all k, then all v; wanted for each head of keys its q, then its k and v. */
function groupedOrder(rows: number, q: number, kv: number): ((row: number) => number) | null {
  const size = rows / (q + 2 * kv);
  const each = q / kv;
  if (!Number.isInteger(size) || !Number.isInteger(each)) return null;
  return (row) => {
    const group = Math.floor(row / ((each + 2) * size));
    const slot = Math.floor(row / size) % (each + 2);
    const inHead = row % size;
    if (slot < each) return (group * each + slot) * size + inHead;
    return (slot === each ? q + group : q + kv + group) * size + inHead;
  };
}

/**
 * Which row of q (0), k (1) or v (2) each row of the whole is, heads of q and k interleaved for rope; null where the heads do
 * not fit.
 */
export function joinedOrder(
  how: "contiguous" | "grouped",
  [q, k, v]: readonly [number, number, number],
  heads: Heads,
): ((row: number) => RowOrigin) | null {
  const [ropeQ, ropeK] = [ropeOrder(q, heads.q), ropeOrder(k, heads.kv)];
  const whole = how === "grouped" ? groupedOrder(q + k + v, heads.q, heads.kv) : (row: number) => row;
  if (ropeQ === null || ropeK === null || whole === null || k !== v) return null;
  if (how === "grouped" && q / heads.q !== k / heads.kv) return null;
  return (row) => {
    const at = whole(row);
    if (at < q) return [0, ropeQ(at)];
    return at < q + k ? [1, ropeK(at - q)] : [2, at - q - k];
  };
}
