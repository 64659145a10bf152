import type { MatrixSketch } from "../fingerprint/fingerprint.ts";
import { signGramTrace } from "../kernels/sign-gram.ts";
import { narrowTrace } from "./label-products.ts";
import type { Layer } from "./layer.ts";
import { axisOf, type MatrixPair, pairStack, residualPairs } from "./matrix-pair.ts";
import { pairLayers } from "./pair-layers.ts";
import { gram, rowInner, rowMeans, type SignStack, stackInner } from "./sign-stack.ts";

/** Deeper stacks than any model has: the matrix is quadratic in layers, the alignment cubic. */
const MAX_LAYERS = 512;
/** Sampled rows of one layer and of all of them; products of all pairs of rows in a layer are held for every layer. */
const MAX_LAYER_ROWS = 1024;
const MAX_ROWS = 1 << 15;

/** Below this nothing resembles anything. */
const SILENT_SIGMA = 5;
/** Mean and standard deviation of the size of a standard normal. */
const FOLDED_MEAN = Math.sqrt(2 / Math.PI);
const FOLDED_SD = Math.sqrt(1 - 2 / Math.PI);

/**
 * Score of every suspect layer against every base layer, T1's z on the residual axis, and the sign agreement. A layer
 * without a residual axis is scored matrix by matrix.
 */
export interface LayerMatrix {
  readonly suspect: readonly Layer[];
  readonly base: readonly Layer[];
  /** suspect.length x base.length, row-major. */
  readonly z: Float64Array;
  readonly agreement: Float64Array;
}

/** The layers that have sketches, by number; a hostile fingerprint's only as far as the limits go. */
export function layersOf(sketches: readonly MatrixSketch[]): Layer[] {
  const byNumber = new Map<number, MatrixSketch[]>();
  for (const s of sketches) {
    if (s.layer < 0) continue;
    const list = byNumber.get(s.layer);
    if (list) list.push(s);
    else byNumber.set(s.layer, [s]);
  }
  const layers = [...byNumber]
    .sort(([a], [b]) => a - b)
    .slice(0, MAX_LAYERS)
    .map(([number, list]) => ({ number, sketches: firstRows(list) }));
  let rows = 0;
  return layers.filter((layer) => {
    for (const { sampled } of layer.sketches) rows += sampled.length;
    return rows <= MAX_ROWS;
  });
}

/** The largest matrices where there are too many rows: small ones may be decoys. */
function firstRows(sketches: readonly MatrixSketch[]): readonly MatrixSketch[] {
  let total = 0;
  for (const { sampled } of sketches) total += sampled.length;
  if (total <= MAX_LAYER_ROWS) return sketches;
  let rows = 0;
  const largest = [...sketches].sort((a, b) => b.rows * b.cols - a.rows * a.cols);
  const kept = new Set(
    largest.filter(({ sampled }) => {
      rows += sampled.length;
      return rows <= MAX_LAYER_ROWS;
    }),
  );
  return sketches.filter((s) => kept.has(s));
}

export function layerMatrix(suspect: readonly Layer[], base: readonly Layer[]): LayerMatrix {
  const z = new Float64Array(suspect.length * base.length);
  const agreement = new Float64Array(suspect.length * base.length);
  const sidesA = new Map<string, Side>();
  const sidesB = new Map<string, Side>();
  for (let i = 0; i < suspect.length; i++) {
    for (let j = 0; j < base.length; j++) {
      const paired = pairLayers(suspect[i]!, base[j]!);
      const pairs = residualPairs(paired);
      const stack = pairStack(pairs);
      if (stack === null) {
        const apart = matrixByMatrix(paired);
        z[i * base.length + j] = apart.z;
        agreement[i * base.length + j] = apart.agreement;
        continue;
      }
      // A side can serve other partners only when every row of the same matrices takes part: nearly always.
      const key = pairs.every(isWhole)
        ? `${stack.n}/${pairs.map((p) => `${p.base.role}${p.base.expert}`).join()}`
        : null;
      const narrow = narrowTrace(stack);
      if (narrow !== null) {
        const { centred, agreement: equal } = stackInner(stack);
        z[i * base.length + j] = narrow > 0 ? centred / Math.sqrt(narrow / (stack.n - 1)) : 0;
        agreement[i * base.length + j] = equal;
        continue;
      }
      const a = memo(sidesA, key && `${j}/${key}`, () => sideOf(stack.a, stack));
      const b = memo(sidesB, key && `${i}/${key}`, () => sideOf(stack.b, stack));
      const { centred, agreement: equal } = stackInner(stack, a.means, b.means);
      const trace = signGramTrace(a.gram, b.gram, stack.m, stack.n);
      z[i * base.length + j] = trace > 0 ? centred / Math.sqrt(trace / (stack.n - 1)) : 0;
      agreement[i * base.length + j] = equal;
    }
  }
  if (!z.some((x) => Math.abs(x) > SILENT_SIGMA)) foldRows(suspect, base, z);
  return { suspect, base, z, agreement };
}

/** Where no layer resembles any, rows may have been turned: then the sizes of their agreements are what can be scored. */
function foldRows(suspect: readonly Layer[], base: readonly Layer[], z: Float64Array): void {
  for (let i = 0; i < suspect.length; i++) {
    for (let j = 0; j < base.length; j++) {
      const pairs = pairLayers(suspect[i]!, base[j]!).filter((pair) => axisOf(pair) !== null);
      let sum = 0;
      let rows = 0;
      for (const pair of pairs) {
        const stack = pairStack([pair]);
        if (stack === null) continue;
        const scale = Math.sqrt(stack.n);
        for (const centred of rowInner(stack)) sum += Math.abs(centred) / scale;
        rows += stack.m;
      }
      if (rows > 0) z[i * base.length + j] = (sum - rows * FOLDED_MEAN) / (FOLDED_SD * Math.sqrt(rows));
    }
  }
}

function matrixByMatrix(pairs: readonly MatrixPair[]): { z: number; agreement: number } {
  let centred = 0;
  let signs = 0;
  let equal = 0;
  for (const pair of pairs) {
    const stack = axisOf(pair) === null ? null : pairStack([pair]);
    if (stack === null) continue;
    const inner = stackInner(stack);
    centred += inner.centred;
    equal += inner.agreement * stack.m * stack.n;
    signs += stack.m * stack.n;
  }
  return signs === 0 ? { z: 0, agreement: 0 } : { z: centred / Math.sqrt(signs), agreement: equal / signs };
}

/** Whether all sampled rows of both matrices are usable and stand against each other. */
function isWhole({ suspect, base }: MatrixPair): boolean {
  return suspect.sampled.length === base.sampled.length && suspect.valid.every(Boolean) && base.valid.every(Boolean);
}

/** What one layer brings to all its pairs. */
interface Side {
  readonly gram: Float64Array;
  readonly means: Float64Array;
}

function sideOf(bits: Uint32Array, stack: SignStack): Side {
  return { gram: gram(bits, stack), means: rowMeans(bits, stack.m, stack.words, stack.n) };
}

function memo(cache: Map<string, Side>, key: string | null, make: () => Side): Side {
  if (key === null) return make();
  let value = cache.get(key);
  if (!value) {
    value = make();
    cache.set(key, value);
  }
  return value;
}
