import { transposed } from "../alignment/rotation.ts";
import { matmul } from "../kernels/matmul.ts";
import { thinSvd } from "../numerics/svd.ts";
import { columnsOf, metColumns } from "./met-columns.ts";
import { TokenFrame } from "./token-frame.ts";

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
  /**
   * Common directions as the dimensions of one of the models, whose rows stay as they lie; null where streams are seen from
   * tokens, each from its own.
   */
  own(): Frame | null;
}

/** Streams up to this wide are mapped on each other whole; wider ones are seen from as many tokens. */
export const WHOLE_WIDTH = 768;
const FRAME_TOKENS = 512;

/**
 * Common directions of two streams from rows of the same tokens, [tokens x width] of each model, which no renumbering or
 * rotation of a stream can hide: singular vectors of E_a^T E_b (Schoenemann 1966), strongest first. Independent models agree
 * in the strong ones, which carry what words mean, and share nothing in the weak ones. Of streams of two widths only dimensions
 * that both have are looked at, where nearly all of the narrower are dimensions of the wider.
 */
export function commonFrames(a: Float32Array, b: Float32Array, widthA: number, widthB: number): Frames {
  const met = widthA === widthB ? null : metColumns(a, b, widthA, widthB);
  if (met === null) return framesOf(a, b, widthA, widthB);
  // What was cut away would turn the directions that are left.
  const [own, other] = [met.map(([i]) => i), met.map(([, j]) => j)];
  const frames = framesOf(columnsOf(a, widthA, own), columnsOf(b, widthB, other), met.length, met.length);
  const whole = ({ width, a: ofOwn, b: ofOther }: Frame): Frame => ({
    width,
    a: placed(ofOwn, own, widthA, width),
    b: placed(ofOther, other, widthB, width),
  });
  return {
    weaker: (strongest) => whole(frames.weaker(strongest)),
    own() {
      const found = frames.own();
      return found === null ? null : whole(found);
    },
  };
}

/** A map of some dimensions as one of all, [stream width x width], zero elsewhere. */
function placed(map: Float32Array, dimensions: readonly number[], streamWidth: number, width: number): Float32Array {
  const out = new Float32Array(streamWidth * width);
  for (const [from, to] of dimensions.entries()) out.set(map.subarray(from * width, (from + 1) * width), to * width);
  return out;
}

function framesOf(a: Float32Array, b: Float32Array, widthA: number, widthB: number): Frames {
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
    own() {
      const placing = matmul(transposed(Float32Array.from(vt), cols), transposed(Float32Array.from(u), rows), {
        rows: cols,
        depth: rows,
        columns: rows,
      });
      return turned ? { width: rows, a: placing, b: identity(rows) } : { width: rows, a: identity(rows), b: placing };
    },
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

function identity(width: number): Float32Array {
  return Float32Array.from({ length: width * width }, (_, i) => Number(i % (width + 1) === 0));
}

/** The same numbers in every basis of a stream need no map between two of them. */
function tokenFrames(a: Float32Array, b: Float32Array, widthA: number, widthB: number): Frames {
  const seen = Math.min(FRAME_TOKENS, a.length / widthA);
  const first = new TokenFrame(a.subarray(0, seen * widthA), widthA);
  const second = new TokenFrame(b.subarray(0, seen * widthB), widthB);
  return {
    weaker: (strongest) => ({ width: seen, a: first.weaker(strongest), b: second.weaker(strongest) }),
    own: () => null,
  };
}
