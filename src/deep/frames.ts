import { transposed } from "../alignment/rotation.ts";
import { matmul } from "../kernels/matmul.ts";
import { thinSvd } from "../numerics/svd.ts";
import { gramEigen, whitening } from "./whitening.ts";

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
  const sides = [
    [a.subarray(0, seen * widthA), widthA],
    [b.subarray(0, seen * widthB), widthB],
  ] as const;
  const eigen = sides.map(([tokens, width]) => gramEigen(tokens, width));
  return {
    weaker: (strongest) => {
      const [left, right] = sides.map(([tokens, width], i) => {
        const root = whitening(eigen[i]!, RIDGE, Math.floor(seen * strongest));
        return transposed(matmul(root, tokens, { rows: seen, depth: seen, columns: width }), width);
      });
      return { width: seen, a: left!, b: right! };
    },
  };
}
