import { transposed } from "../alignment/rotation.ts";
import { matmul } from "../kernels/matmul.ts";
import { symmetricEigen } from "../numerics/eigen.ts";
import { thinSvd } from "../numerics/svd.ts";

/** Coordinates of the residual streams of two models in which equal directions have equal numbers. */
export interface Frame {
  readonly width: number;
  /**
   * Maps [stream width x width] of the two sides, row-major: x of the one side and its image have about equal products with
   * them.
   */
  readonly a: Float32Array;
  readonly b: Float32Array;
}

export interface Frames {
  /** The common directions but for the strongest share of them. */
  weaker(strongest: number): Frame;
}

/** Streams up to this wide are mapped on each other whole; wider ones are seen from as many tokens. */
const WHOLE_WIDTH = 768;
const FRAME_TOKENS = 512;
/** Penalty on the directions that tokens hardly reach, relative to their mean energy. */
const RIDGE = 0.01;

/**
 * Common directions of two streams from rows of the same tokens, [tokens x width] of each model, which no renumbering or
 * rotation of a stream can hide: singular vectors of E_a^T E_b (Schoenemann 1966), strongest first. Independent models agree
 * in the strong ones, which carry what words mean, and share nothing in the weak ones.
 */
export function commonFrames(a: Float32Array, b: Float32Array, widthA: number, widthB: number): Frames {
  return Math.max(widthA, widthB) <= WHOLE_WIDTH
    ? wholeFrames(a, b, widthA, widthB)
    : tokenFrames(a, b, widthA, widthB);
}

function wholeFrames(a: Float32Array, b: Float32Array, widthA: number, widthB: number): Frames {
  const tokens = a.length / widthA;
  const turned = widthA > widthB;
  // The smaller side first, as thinSvd likes it.
  const [x, y, rows, cols] = turned ? [b, a, widthB, widthA] : [a, b, widthA, widthB];
  const cross = matmul(transposed(x, rows), y, { rows, depth: tokens, columns: cols });
  const { u, vt } = thinSvd(cross, rows, cols);
  return {
    weaker(strongest) {
      const first = Math.floor(rows * strongest);
      const width = rows - first;
      const left = new Float32Array(rows * width);
      const right = new Float32Array(cols * width);
      for (let k = 0; k < width; k++) {
        for (let r = 0; r < rows; r++) left[r * width + k] = u[r * rows + first + k]!;
        for (let c = 0; c < cols; c++) right[c * width + k] = vt[(first + k) * cols + c]!;
      }
      return turned ? { width, a: right, b: left } : { width, a: left, b: right };
    },
  };
}

/**
 * c(x) = V (w + ridge)^(-1/2) V^T E x of up to 512 tokens, G = E E^T = V w V^T: the same numbers in every basis of the stream,
 * and no two models need to be looked at together.
 */
function tokenFrames(a: Float32Array, b: Float32Array, widthA: number, widthB: number): Frames {
  const seen = Math.min(FRAME_TOKENS, a.length / widthA);
  const sides = [viewed(a, widthA, seen), viewed(b, widthB, seen)] as const;
  return {
    weaker: (strongest) => {
      const [left, right] = sides.map((side) => whitened(side, Math.floor(seen * strongest)));
      return { width: seen, a: left!, b: right! };
    },
  };
}

interface Viewed {
  readonly width: number;
  readonly tokens: Float32Array;
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

/** The first tokens of a model with the eigenvectors of their Gram matrix. */
function viewed(rows: Float32Array, width: number, seen: number): Viewed {
  const tokens = rows.subarray(0, seen * width);
  const gram = Float64Array.from(
    matmul(tokens, tokens, { rows: seen, depth: width, columns: seen, transposedB: true }),
  );
  for (let i = 0; i < seen; i++) for (let j = 0; j < i; j++) gram[i * seen + j] = gram[j * seen + i]!;
  return { width, tokens, ...symmetricEigen(gram, seen) };
}

function whitened({ width, tokens, values, vectors }: Viewed, first: number): Float32Array {
  const seen = values.length;
  const mean = values.reduce((sum, value) => sum + Math.max(0, value), 0) / seen;
  const kept = seen - first;
  const scaled = new Float32Array(seen * kept);
  const plain = new Float32Array(kept * seen);
  for (let k = 0; k < kept; k++) {
    const scale = 1 / Math.sqrt(Math.max(0, values[first + k]!) + RIDGE * mean);
    for (let t = 0; t < seen; t++) {
      const entry = vectors[(first + k) * seen + t]!;
      plain[k * seen + t] = entry;
      scaled[t * kept + k] = entry * scale;
    }
  }
  const root = matmul(scaled, plain, { rows: seen, depth: kept, columns: seen });
  return transposed(matmul(root, tokens, { rows: seen, depth: seen, columns: width }), width);
}
