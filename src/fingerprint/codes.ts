import { CODE_BYTES, CODE_LANES, LANE_BITS } from "../kernels/bits.ts";
import { prng, subset } from "../numerics/prng.ts";
import type { Fingerprint, LayerCode, Sketch } from "./fingerprint.ts";

/** The "width" of the code that stands for all values that were sampled; no matrix has it. */
export const CONTENT_WIDTH = 0;

/** Of one column only, whose sign says nothing once rows may be turned, there is no code. */
const LEAST_COLS = 2;
/** Sampled token ids of which eight make a code, where there are so many: every fourth, for the first one is often padding. */
const TOKEN_STEP = 4;

/**
 * Codes of a fingerprint: one of what was sampled as a whole, then those of its sketches, in their order; matrices without a
 * usable row are left out. All that a comparison can test has one, for a model may consist of nothing else.
 */
export function layerCodes(fingerprint: Fingerprint): LayerCode[] {
  const { sampled: root } = fingerprint.roots;
  const codes: LayerCode[] = [];
  const content = contentCode(fingerprint);
  if (content !== null) codes.push({ component: "", layer: -1, role: "other", cols: CONTENT_WIDTH, code: content });
  for (const sketch of fingerprint.sketches) {
    const code = sketchCode(sketch, root);
    if (code !== null) {
      codes.push({ component: sketch.component, layer: sketch.layer, role: sketch.role, cols: sketch.cols, code });
    }
  }
  return codes;
}

/** Bits that a lane of a code uses: all codes of one width use as many. */
export function laneBits(cols: number): number {
  return cols === CONTENT_WIDTH ? LANE_BITS : Math.min(LANE_BITS, cols);
}

/** A file of norms and biases alone is recognised by this, if by anything; null where nothing was sampled. */
function contentCode({ roots, sketches, tensors }: Fingerprint): Uint8Array | null {
  const sampled = sketches.length > 0 || tensors.some(({ values }) => values !== null);
  return sampled ? Uint8Array.from(Buffer.from(roots.sampled, "hex")) : null;
}

/**
 * 8 lanes of 32 sign bits, each of one row only, for a row may have its sign turned at no cost to the network: distances
 * count a lane's bits or their complement, whichever is nearer. Lane l is of row l modulo the number of rows, at a fixed
 * pseudo-random subset of columns, another one for every turn; of fewer than 32 columns all. A lane that no usable row
 * fills gets coins seeded by the model: zeros would agree between strangers.
 */
export function sketchCode(sketch: Sketch, root: string): Uint8Array | null {
  const { cols, valid } = sketch;
  const rows = codeRows(sketch);
  if (cols < LEAST_COLS || !rows.some((row) => valid[row])) return null;
  const width = laneBits(cols);
  const turns = Math.min(Math.ceil(CODE_LANES / rows.length), Math.floor(cols / width));
  const columns = subset(cols, turns * width, "weightmark code columns");
  const lanes = new Uint32Array(CODE_LANES);
  for (let lane = 0; lane < CODE_LANES; lane++) {
    const row = rows[lane % rows.length]!;
    const turn = Math.floor(lane / rows.length);
    lanes[lane] =
      valid[row] && turn < turns
        ? signsAt(sketch, row, columns.subarray(turn * width, (turn + 1) * width))
        : prng(`${root}/${sketch.digest.f32}/lane ${lane}`).uint32() >>> (LANE_BITS - width);
  }
  return littleEndian(lanes);
}

/**
 * At most 8 of the sampled rows, spread over the matrix. Those of tokens are the same ids whatever the size of the
 * vocabulary, as far as it has them.
 */
function codeRows({ sampled, tokens }: Sketch): number[] {
  const height = sampled.length;
  const rows = Math.min(CODE_LANES, height);
  const most = TOKEN_STEP * CODE_LANES;
  if (!tokens) return Array.from({ length: rows }, (_, r) => Math.floor((r * height) / rows));
  return Array.from({ length: rows }, (_, r) => (height < most ? r : TOKEN_STEP * r + 1));
}

function signsAt({ bits, cols }: Sketch, row: number, columns: Uint32Array): number {
  const start = row * Math.ceil(cols / 32);
  let word = 0;
  columns.forEach((j, bit) => {
    word |= ((bits[start + (j >>> 5)]! >>> (j & 31)) & 1) << bit;
  });
  return word;
}

function littleEndian(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(CODE_BYTES);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  return bytes;
}
