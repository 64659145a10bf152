import { transposed } from "../alignment/rotation.ts";
import { matmul } from "../kernels/matmul.ts";
import type { SymmetricEigen } from "../numerics/eigen.ts";
import { lengthOf } from "./take.ts";
import { gramEigen, whitening } from "./whitening.ts";

/** Penalty on the directions that tokens hardly reach, relative to their mean energy. */
const RIDGE = 0.01;

/** Rows are this many times as long as half of them at most: one that nobody uses may be made to outweigh all others. */
const LONGEST = 2;

/**
 * c(x) = V (w + ridge)^(-1/2) V^T E x of some tokens, G = E E^T = V w V^T: the same numbers in every basis of the stream, and
 * no two models need to be looked at together.
 */
export class TokenFrame {
  readonly #tokens: Float32Array;
  readonly #width: number;
  readonly #eigen: SymmetricEigen;

  /**
   * @param tokens their rows of the embedding, [tokens x width]
   * @param eigen of their products in the stream that the frame is of. @default in this one
   */
  constructor(tokens: Float32Array, width: number, eigen: SymmetricEigen | null = null) {
    this.#tokens = eigen === null ? shortened(tokens, width) : tokens;
    this.#width = width;
    this.#eigen = eigen ?? gramEigen(this.#tokens, width);
  }

  /** The same directions in another stream. `image` says where vectors [count x width] of this one lie in that one. */
  imaged(image: (rows: Float32Array) => Float32Array): TokenFrame {
    const tokens = image(this.#tokens);
    return new TokenFrame(tokens, tokens.length / this.size, this.#eigen);
  }

  get size(): number {
    return this.#tokens.length / this.#width;
  }

  /** Map [stream width x tokens] of all directions but the strongest share of them. */
  weaker(strongest: number): Float32Array {
    const { size } = this;
    const root = whitening(this.#eigen, RIDGE, Math.floor(size * strongest));
    return transposed(matmul(root, this.#tokens, { rows: size, depth: size, columns: this.#width }), this.#width);
  }

  /** Products of the tokens with one another, as far as they are in the weaker half of directions: tokens x tokens. */
  weakProducts(): Float32Array {
    const { size } = this;
    const first = size >> 1;
    const weak = Float32Array.from(this.#eigen.vectors.subarray(first * size));
    return matmul(transposed(weak, size), weak, { rows: size, depth: size - first, columns: size });
  }
}

function shortened(rows: Float32Array, width: number): Float32Array {
  const lengths = Array.from({ length: rows.length / width }, (_, i) =>
    lengthOf(rows.subarray(i * width, (i + 1) * width)),
  );
  const most = LONGEST * ([...lengths].sort((x, y) => x - y)[lengths.length >> 1] ?? 0);
  return rows.map((x, i) => {
    const length = lengths[Math.floor(i / width)]!;
    return length > most ? (x * most) / length : x;
  });
}
