import type { Role } from "./anatomy.ts";

export interface Shape {
  readonly rows: number;
  readonly cols: number;
}

/** Share of the matrices that read or write the residual stream of a transformer, at least. */
const ALONG_THE_STREAM = 0.8;

/** What the shape of one matrix says. */
export interface ShapeReading {
  /** True when the matrix is stored as [in, out]. */
  readonly transposed: boolean;
  /** Roles it may play, as [out, in]; empty when shapes do not tell. */
  readonly candidates: readonly Role[];
}

/** Tables (embeddings, heads, positions) come once or twice; so do layers' tensors in a two-layer model. */
const RARE = 2;
const TABLE: readonly Role[] = ["embed", "head", "position", "token_type"];
/** A table so many times longer than the next one is indexed by tokens. */
const VOCABULARY_RATIO = 4;

/**
 * Reads the shape classes of a model's matrices. The residual width d is the dimension most matrices have. A width x with
 * both [x, d] and [d, x] lies between two linears: twice as many of the first as of the second make it a gated
 * feed-forward width, else the largest is taken for the feed-forward width h and another for the attention's. Fused
 * tensors have no counterpart: [2h, d] beside [d, h] is gate and up, [x, d] alone is fused attention; [d, x] alone,
 * or twice as often as [x, d]
 * says that the linears are stored as [in, out]. Only a transformer is read so: nearly all of its matrices have the width
 * d, and attention shows itself beside the feed-forward network.
 */
export function readShapes(shapes: readonly Shape[], layered: boolean): (shape: Shape) => ShapeReading {
  const width = commonDimension(shapes);
  const stored = classCounts(shapes);
  const transposed = isTransposed(stored, width);
  const count = (rows: number, cols: number): number =>
    stored.get(transposed ? `${cols}x${rows}` : `${rows}x${cols}`) ?? 0;
  const others = widthsBesides(shapes, width);
  const inner = new Set(others.filter((x) => count(x, width) > 0 && count(width, x) > 0));
  const fusedGates = new Set(
    others.filter((x) => !inner.has(x) && x / 2 !== width && !inner.has(x / 2) && count(width, x / 2) > 0),
  );
  const h = feedForwardWidth();
  const depth = largest([1, h > 0 ? count(width, h) : 0].concat([...fusedGates].map((x) => count(width, x / 2))));
  const vocabulary = largest(others.filter(isTable));
  const secondTable = largest(others.filter((x) => isTable(x) && x !== vocabulary));
  const narrowKeys = others.some((x) => x < width && comesPerLayer(x, 2));
  const fusedAttention = others.some((x) => x > width && comesPerLayer(x, 1));

  const attends = count(width, width) >= 2 * depth || inner.size > 1 || narrowKeys || fusedAttention;
  const along = shapes.filter(({ rows, cols }) => rows === width || cols === width).length;
  const isTransformer = attends && along >= ALONG_THE_STREAM * shapes.length && (layered || depth > 1);
  if (!isTransformer) return () => ({ transposed: false, candidates: [] });

  function feedForwardWidth(): number {
    const gated = [...inner].filter((x) => count(x, width) >= 2 * count(width, x));
    return largest(gated.length > 0 ? gated : [...inner]);
  }
  /** Whether [x, d], alone of its kind, is there `times` times in every layer. */
  function comesPerLayer(x: number, times: number): boolean {
    return !inner.has(x) && !fusedGates.has(x) && count(x, width) === times * depth && (depth > 1 || times > 1);
  }
  function isTable(x: number): boolean {
    return (
      !inner.has(x) && !fusedGates.has(x) && (stored.get(`${x}x${width}`) ?? 0) <= RARE && stored.has(`${x}x${width}`)
    );
  }
  function tableRoles(rows: number): readonly Role[] {
    return rows === vocabulary && rows > VOCABULARY_RATIO * secondTable ? ["embed", "head"] : TABLE;
  }
  function square(): readonly Role[] {
    if (inner.size > 1) return ["k", "v"];
    if (narrowKeys) return ["q", "o"];
    return fusedAttention && count(width, width) === depth ? ["o"] : ["q", "k", "v", "o"];
  }
  function readsResidual(rows: number): readonly Role[] {
    const n = count(rows, width);
    if (rows === h) return n >= 2 * count(width, h) ? ["gate", "up"] : ["up"];
    if (inner.has(rows)) return ["q"];
    if (fusedGates.has(rows)) return ["gate", "up"];
    const roles: Role[] = n <= RARE ? [...tableRoles(rows)] : [];
    if (rows < width && comesPerLayer(rows, 2)) roles.push("k", "v");
    if (rows < width && comesPerLayer(rows, 1)) roles.push("router");
    if (rows > width && comesPerLayer(rows, 1)) roles.push("qkv");
    return roles;
  }
  function writesResidual(cols: number): readonly Role[] {
    if (cols === h || fusedGates.has(2 * cols)) return ["down"];
    return inner.has(cols) ? ["o"] : [];
  }

  return ({ rows, cols }) => {
    // Tables lie as [entries, d] even where linears are stored as [in, out].
    if (transposed && cols === width && rows !== width && isTable(rows))
      return { transposed: false, candidates: tableRoles(rows) };
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
    // Gate and up for one down.
    if (n === 2 * (counts.get(`${cols}x${width}`) ?? 0)) return true;
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

/** By a loop: a hostile header may hold more widths than a call takes arguments. */
function largest(numbers: readonly number[]): number {
  return numbers.reduce((most, n) => Math.max(most, n), 0);
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
