import { type Kernels, loadKernels } from "./load-kernels.ts";

const LANES = 8;

/** The steps of a symmetric eigenproblem on n x n matrices of f64, which lie in kernel memory while `work` runs. */
export class SquareRows {
  readonly n: number;
  /** Numbers of a row; those behind the first n are 0. */
  readonly stride: number;
  /** Rows of the matrix itself, n x stride, and of what its reflections add up to. */
  readonly matrix: Float64Array;
  readonly rotation: Float64Array;
  /** The vector of a reflection, what the matrix makes of it, and pairs (c, s) of plane rotations, n of them at most. */
  readonly vector: Float64Array;
  readonly product: Float64Array;
  readonly turns: Float64Array;
  readonly #exports: Kernels["exports"];

  static with<T>(n: number, work: (rows: SquareRows) => T): T {
    const kernels = loadKernels();
    return kernels.arena.scope(() => work(new SquareRows(kernels, n)));
  }

  private constructor({ arena, exports }: Kernels, n: number) {
    this.n = n;
    this.stride = Math.ceil(n / LANES) * LANES;
    const lengths = [n * this.stride, n * this.stride, this.stride, this.stride, 2 * n];
    const places = lengths.map((length) => arena.alloc(8 * length));
    // Views are taken once all is there: memory that grows leaves them behind.
    const views = places.map((at, i) => arena.f64(at, lengths[i]!).fill(0));
    [this.matrix, this.rotation, this.vector, this.product, this.turns] = views as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    this.#exports = exports;
  }

  /** `product` = factor times the sum of the rows of `of` from `start` on, each times its number in `vector`, rows ascending. */
  multiply(of: Float64Array, start: number, factor: number): void {
    const rows = of.byteOffset + 8 * start * this.stride;
    const weights = this.vector.byteOffset + 8 * start;
    const count = this.n - start;
    this.#exports.weightedRows(rows, this.stride, count, weights, factor, whole(start), this.product.byteOffset);
  }

  /**
   * Takes vector product^T from the rows of `of` from `start` on, and product vector^T as well where `both`. In front of
   * `start` both must be 0.
   */
  reflect(of: Float64Array, start: number, both: boolean): void {
    const rows = of.byteOffset + 8 * start * this.stride;
    const [v, p] = [this.vector.byteOffset, this.product.byteOffset];
    this.#exports.reflectRows(rows, this.stride, this.n - start, v, p, start, whole(start), both);
  }

  /** Turns rows `first` and the next of `rotation` by the first pair of `turns`, the next two by the second, and so on. */
  rotate(first: number, count: number): void {
    const rows = this.rotation.byteOffset + 8 * first * this.stride;
    this.#exports.rotateRows(rows, this.stride, count, this.turns.byteOffset);
  }
}

function whole(column: number): number {
  return column - (column % LANES);
}
