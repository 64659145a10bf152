/** Of a difference, the share that may be error of rounding where directions are asked for. */
const MOST_ERROR = 0.5;
/**
 * Energy of the products of the rows of a difference with those of the suspect, beyond rounding's, over that of random rows,
 * which is 1; training has more. Of what was cut off nothing is left that it could have a product with.
 */
const MOST_LEFT = 0.15;
/** Share of the symmetric part in the products with the mean of both; of random rows half. A rotation has none of it. */
const MOST_SYMMETRIC = 0.1;

export interface Changed {
  readonly height: number;
  readonly width: number;
  readonly before: Float32Array;
  readonly after: Float32Array;
}

/**
 * Whether inputs were projected to fewer directions (a lower rank that was kept of a matrix, a direction that was taken out of
 * what it reads), or turned: D B^T is zero then, and D (A + B)^T has no symmetric part. Rows must be whole.
 *
 * @param error energy of the difference that rounding explains
 */
export function isCutOrTurned({ height, width, before, after }: Changed, error: number): boolean {
  const delta = after.map((x, i) => x - before[i]!);
  const energy = squares(delta);
  const share = error / energy;
  if (!(share <= MOST_ERROR)) return false;
  const left = squares(products(delta, after, height, width)) / ((energy * squares(after)) / width);
  if (left - share <= MOST_LEFT) return true;
  const mean = after.map((x, i) => (x + before[i]!) / 2);
  const inner = products(delta, mean, height, width);
  let [symmetric, all] = [0, 0];
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < height; j++) {
      symmetric += ((inner[i * height + j]! + inner[j * height + i]!) / 2) ** 2;
      all += inner[i * height + j]! ** 2;
    }
  }
  return symmetric <= MOST_SYMMETRIC * all;
}

/** X Y^T of two matrices of height x width. */
function products(x: Float32Array, y: Float32Array, height: number, width: number): Float64Array {
  const out = new Float64Array(height * height);
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < height; j++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += x[i * width + k]! * y[j * width + k]!;
      out[i * height + j] = sum;
    }
  }
  return out;
}

function squares(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return sum;
}
