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
 * Whether what one of the two reads is what the other reads, projected to fewer directions (a lower rank that was kept of a
 * matrix, a direction that was taken out), or turned, and multiplied by a factor. Of the difference D to the one that was cut,
 * D B^T is zero then; where it was turned, D (A + B)^T has no symmetric part. Rows must be whole.
 *
 * @param error energy of the difference that rounding explains
 */
export function isCutOrTurned({ height, width, before, after }: Changed, error: number): boolean {
  const [old, now, both] = [squares(before), squares(after), inner(before, after)];
  const scaled = (by: number): Float32Array => before.map((x) => by * x);
  const isCut = (base: Float32Array, rest: Float32Array): boolean => {
    const delta = rest.map((x, i) => x - base[i]!);
    const energy = squares(delta);
    const share = error / energy;
    if (!(share <= MOST_ERROR)) return false;
    const left = squares(products(delta, rest, height, width)) / ((energy * squares(rest)) / width);
    return left - share <= MOST_LEFT;
  };
  // Either may be what is left of the other: then the least change is at a right angle to it.
  if (isCut(scaled(now / both), after) || isCut(after, scaled(both / old))) return true;
  const turned = scaled(Math.sqrt(now / old));
  const delta = after.map((x, i) => x - turned[i]!);
  if (!(error <= MOST_ERROR * squares(delta))) return false;
  const mean = after.map((x, i) => (x + turned[i]!) / 2);
  const all = products(delta, mean, height, width);
  let symmetric = 0;
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < height; j++) symmetric += ((all[i * height + j]! + all[j * height + i]!) / 2) ** 2;
  }
  return symmetric <= MOST_SYMMETRIC * squares(all);
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

function inner(x: Float32Array, y: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}

function squares(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return sum;
}
