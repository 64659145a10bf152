import type { Role } from "./anatomy.ts";

export interface Shape {
  readonly rows: number;
  readonly cols: number;
}

/** What the shape of one matrix says. */
export interface ShapeReading {
  /** True when the matrix is stored as [in, out]. */
  readonly transposed: boolean;
  /** Roles it may play, as [out, in]; empty when shapes do not tell. */
  readonly candidates: readonly Role[];
}

/** A class this rare outside a very shallow model is an embedding, a head or a table. */
const RARE = 2;

/**
 * Reads the shape classes of a model's matrices. The residual width d is the dimension most matrices have. A width x with
 * both [x, d] and [d, x] lies between two linears: the largest is h (feed-forward), another is the attention's. Fused
 * tensors have no counterpart: [2h, d] beside [d, h] is gate and up, [x, d] alone is fused attention; [d, x] alone
 * says that the linears are stored as [in, out].
 */
export function readShapes(shapes: readonly Shape[]): (shape: Shape) => ShapeReading {
  const width = commonDimension(shapes);
  const stored = classCounts(shapes);
  const transposed = isTransposed(stored, width);
  const count = (rows: number, cols: number): number =>
    stored.get(transposed ? `${cols}x${rows}` : `${rows}x${cols}`) ?? 0;
  const others = widthsBesides(shapes, width);
  const inner = new Set(others.filter((x) => count(x, width) > 0 && count(width, x) > 0));
  const h = [...inner].reduce((largest, x) => Math.max(largest, x), 0);
  const depth = Math.max(1, count(width, h));
  const attentionIsNarrow = others.some(isKey);
  const attentionIsFused = others.some(isFusedAttention);

  function isFusedGate(rows: number): boolean {
    return rows !== 2 * width && count(width, rows / 2) > 0 && !inner.has(rows / 2);
  }
  function isKey(rows: number): boolean {
    const n = count(rows, width);
    return rows < width && !inner.has(rows) && n >= 2 && n % 2 === 0 && n >= 2 * depth;
  }
  function isFusedAttention(rows: number): boolean {
    return (
      rows > width &&
      !inner.has(rows) &&
      !isFusedGate(rows) &&
      count(rows, width) >= 2 &&
      !isTable(rows, count(rows, width))
    );
  }
  function isTable(rows: number, n: number): boolean {
    // In a two-layer model a fused tensor is as rare as an embedding: three widths' worth of rows is the fused one.
    return n <= RARE && (depth > RARE || rows > 3 * width);
  }
  function square(): readonly Role[] {
    if (inner.size > 1) return [];
    if (attentionIsNarrow) return ["q", "o"];
    return attentionIsFused ? ["o"] : ["q", "k", "v", "o"];
  }
  function readsResidual(rows: number): readonly Role[] {
    if (rows === h) return count(h, width) >= 2 * depth ? ["gate", "up"] : ["up"];
    if (inner.has(rows)) return ["q"];
    if (isFusedGate(rows)) return ["gate", "up"];
    if (isKey(rows)) return ["k", "v"];
    if (isFusedAttention(rows)) return ["qkv"];
    if (rows > width && isTable(rows, count(rows, width))) return ["embed", "head"];
    return count(rows, width) === 1 ? ["position", "token_type"] : ["router"];
  }
  function writesResidual(cols: number): readonly Role[] {
    if (cols === h || count(2 * cols, width) > 0) return ["down"];
    return inner.has(cols) ? ["o"] : [];
  }

  return ({ rows, cols }) => {
    // Tables lie as [entries, d] even where linears are stored as [in, out].
    if (transposed && cols === width && rows > width && !inner.has(rows))
      return { transposed: false, candidates: ["embed", "head"] };
    const [out, reads] = transposed ? [cols, rows] : [rows, cols];
    if (out === width && reads === width) return { transposed, candidates: square() };
    if (reads === width) return { transposed, candidates: readsResidual(out) };
    return { transposed, candidates: out === width ? writesResidual(reads) : [] };
  };
}

/** [in, out] storage shows itself by a fused tensor that widens to the right and has no counterpart. */
function isTransposed(counts: ReadonlyMap<string, number>, width: number): boolean {
  for (const [key, n] of counts) {
    const [rows, cols] = key.split("x").map(Number) as [number, number];
    if (rows !== width || cols <= width || n < 2) continue;
    if (!counts.has(`${cols}x${width}`) && !counts.has(`${2 * cols}x${width}`)) return true;
  }
  return false;
}

/** The dimension that most matrices have, the smallest of several; 0 without matrices. */
function commonDimension(shapes: readonly Shape[]): number {
  const counts = new Map<number, number>();
  for (const { rows, cols } of shapes) {
    counts.set(rows, (counts.get(rows) ?? 0) + 1);
    if (cols !== rows) counts.set(cols, (counts.get(cols) ?? 0) + 1);
  }
  let best = 0;
  let most = 0;
  for (const [dimension, n] of counts) {
    if (n > most || (n === most && dimension < best)) [best, most] = [dimension, n];
  }
  return best;
}

function classCounts(shapes: readonly Shape[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { rows, cols } of shapes) {
    const key = `${rows}x${cols}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** Distinct other dimensions of matrices that have `width`. */
function widthsBesides(shapes: readonly Shape[], width: number): readonly number[] {
  const found = new Set<number>();
  for (const { rows, cols } of shapes) {
    if (rows === width && cols !== width) found.add(cols);
    if (cols === width && rows !== width) found.add(rows);
  }
  return [...found];
}
