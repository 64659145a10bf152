import { matmul } from "../kernels/matmul.ts";
import { transpose } from "./leading-spaces.ts";
import { orthonormal } from "./orthonormal.ts";
import { prng } from "./prng.ts";
import { thinSvd } from "./svd.ts";

/** Strongest directions, taken one by one: a polynomial that reached as far would have many times as many terms. */
const LEADING = 64;
const OVERSAMPLING = 16;
const POWER_STEPS = 5;
/** How far above the largest singular value that is left, as it was found, the true one may lie at first. */
const MARGIN = 1.1;
/** By how much an image is longer than its vector at most. A series that reaches too short makes it many times as long. */
const LONGEST = 1.05;
const TRIES = 20;
/** c, as a share of the root mean square of the singular values that are left: weaker ones are mostly noise. */
const DAMPING = 0.1;
/** c, as a share of the largest singular value, at least: below it lies what f32 rounds. */
const ROUNDING = 1e-6;
const TERMS = 32;
/** Points at which coefficients are taken. */
const POINTS = 256;

/**
 * U V^T of a matrix M = U S V^T [rows x cols], row-major, for some vectors x [count x cols]: x V U^T, count x rows. No product
 * of M with a matrix as large is needed, but 2 x 32 with the vectors. The strongest directions come from block power iteration;
 * of the others (M^T M + c^2)^(-1/2) x is a Chebyshev series (Higham, Functions of Matrices, ch. 4 and 13). Directions of a
 * singular value s come out s / sqrt(s^2 + c^2) as long, c a tenth of the root mean square of those not among the 64 strongest.
 */
export class PolarImage {
  readonly #rows: number;
  readonly #cols: number;
  readonly #strongest: Leading;
  /** M without them. */
  readonly #rest: Float32Array;
  /** Its largest squared singular value, as it was found, and c^2. */
  readonly #top: number;
  readonly #cut: number;

  constructor(m: Float32Array, rows: number, cols: number) {
    [this.#rows, this.#cols] = [rows, cols];
    this.#strongest = leading(m, rows, cols, Math.min(LEADING, rows - 1, cols - 1));
    const { values, left, right, next } = this.#strongest;
    const scaled = left.map((x, at) => x * values[Math.floor(at / rows)]!);
    const shape = { rows, depth: values.length, columns: cols };
    const strongest = matmul(transpose(scaled, values.length, rows), right, shape);
    this.#rest = m.map((x, i) => x - strongest[i]!);
    const squares = this.#rest.reduce((sum, x) => sum + x * x, 0) / (Math.min(rows, cols) - values.length);
    this.#cut = Math.max(DAMPING ** 2 * squares, (ROUNDING * (values[0] ?? 0)) ** 2);
    this.#top = Math.max((MARGIN * next) ** 2, this.#cut);
  }

  /** Images of vectors [count x cols]: count x rows. */
  of(x: Float32Array): Float32Array {
    const { values, left, right } = this.#strongest;
    const [count, strongest] = [x.length / this.#cols, values.length];
    const along = matmul(x, right, { rows: count, depth: this.#cols, columns: strongest, transposedB: true });
    const out = matmul(along, left, { rows: count, depth: strongest, columns: this.#rows });
    if (!(this.#cut > 0)) return out;
    let top = this.#top;
    for (let tried = 1; ; tried++, top *= 2) {
      const others = this.#there(this.#applied(x, top));
      const image = out.map((value, i) => value + others[i]!);
      // No polar factor makes anything longer.
      if (tried === TRIES || lengthOf(image) <= LONGEST * lengthOf(x)) return image;
    }
  }

  /** (M^T M + c^2)^(-1/2) applied to vectors as a series on [0, top], by Clenshaw's recurrence. */
  #applied(x: Float32Array, top: number): Float32Array {
    const series = inverseRoot(top, this.#cut);
    let next: Float32Array = new Float32Array(x.length);
    let last = next;
    for (let k = series.length - 1; k >= 0; k--) {
      const product = this.#shifted(next, top);
      const by = k === 0 ? 1 : 2;
      for (let i = 0; i < x.length; i++) product[i] = by * product[i]! - last[i]! + series[k]! * x[i]!;
      [next, last] = [product, next];
    }
    return next;
  }

  /** M^T M applied to vectors, its spectrum brought to [-1, 1]. */
  #shifted(x: Float32Array, top: number): Float32Array {
    const shape = { rows: x.length / this.#cols, depth: this.#rows, columns: this.#cols };
    const product = matmul(this.#there(x), this.#rest, shape);
    return product.map((value, i) => (2 / top) * value - x[i]!);
  }

  #there(x: Float32Array): Float32Array {
    const shape = { rows: x.length / this.#cols, depth: this.#cols, columns: this.#rows };
    return matmul(x, this.#rest, { ...shape, transposedB: true });
  }
}

interface Leading {
  readonly values: Float64Array;
  /** count x rows, and count x cols. */
  readonly left: Float32Array;
  readonly right: Float32Array;
  /** The largest singular value that is not among them. */
  readonly next: number;
}

/** Leading singular triples by block power iteration from a fixed start (Halko, Martinsson and Tropp 2011, algorithm 4.4). */
function leading(m: Float32Array, rows: number, cols: number, count: number): Leading {
  const width = Math.min(count + OVERSAMPLING, rows, cols);
  const random = prng("polar image");
  const there = (x: Float32Array): Float32Array =>
    matmul(x, m, { rows: width, depth: cols, columns: rows, transposedB: true });
  let right: Float32Array = Float32Array.from({ length: width * cols }, () => random.normal());
  for (let step = 0; step < POWER_STEPS; step++) {
    const left = orthonormal(there(right), rows);
    right = orthonormal(matmul(left, m, { rows: width, depth: rows, columns: cols }), cols);
  }
  const { s, u, vt } = thinSvd(there(right), width, rows);
  const turn = transpose(Float32Array.from(u), width, width);
  const turned = matmul(turn, right, { rows: width, depth: width, columns: cols });
  return {
    values: s.slice(0, count),
    left: Float32Array.from(vt.subarray(0, count * rows)),
    right: turned.slice(0, count * cols),
    next: s[count] ?? 0,
  };
}

/** Coefficients of 1 / sqrt(x + cut) on [0, top] in Chebyshev polynomials. */
function inverseRoot(top: number, cut: number): readonly number[] {
  return Array.from({ length: TERMS }, (_, k) => {
    let sum = 0;
    for (let j = 0; j < POINTS; j++) {
      const angle = (Math.PI * (j + 0.5)) / POINTS;
      sum += Math.cos(k * angle) / Math.sqrt((top * (1 + Math.cos(angle))) / 2 + cut);
    }
    return (sum * (k === 0 ? 1 : 2)) / POINTS;
  });
}

function lengthOf(x: Float32Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
}
