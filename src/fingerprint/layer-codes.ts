import { CODE_BYTES, laneCount, laneWords } from "../kernels/bits.ts";
import { prng, subset } from "../numerics/prng.ts";
import type { DeepPart, SignRows } from "./deep-part.ts";
import type { Fingerprint, LayerCode, MatrixSketch } from "./fingerprint.ts";

/** The "width" of the code that stands for all values that were sampled; no matrix has it. */
export const CONTENT_WIDTH = 0;

/** Of one column only, whose sign says nothing once rows may be turned, there is no code. */
const LEAST_COLS = 2;
/** Bits of a lane, where a matrix has so many columns. The longer a lane, the less is lost by not knowing its sign. */
const LANE_SIZES = [128, 64, 32] as const;
/** Sampled token ids of which those of a code are taken, where there are so many: all below 256. */
const TOKEN_IDS = 32;

/**
 * Codes of a fingerprint: one of what was sampled as a whole, then those of its sketches, in their order; matrices without a
 * usable row are left out. All that a comparison can test has one, for a model may consist of nothing else. Then those of a
 * deep part.
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
  return [...codes, ...(fingerprint.deep === undefined ? [] : deepCodes(fingerprint.deep))];
}

/** What stands in the place of a width where streams are seen from tokens; no matrix is so wide. */
const FRAME_WIDTH = 2 ** 31;

/**
 * Codes of the tokens that a deep part sees its stream from: they find a model whose stream was rotated or renumbered, of
 * which no matrix keeps its signs. Only those of the same tokens are compared.
 */
export function deepCodes({
  code,
  heldOut,
  vocabulary,
}: Pick<DeepPart, "code" | "vocabulary"> & { readonly heldOut: Pick<SignRows, "width"> }): LayerCode[] {
  const cols = FRAME_WIDTH + 32 * heldOut.width + Math.floor(Math.log2(vocabulary));
  return Array.from({ length: code.length / CODE_BYTES }, (_, i) => ({
    component: "",
    layer: -1,
    role: "embed",
    cols,
    code: code.subarray(i * CODE_BYTES, (i + 1) * CODE_BYTES),
  }));
}

/** What stands in the place of a width where adapters alone look for their base, with the width of its stream. */
const ATTENTION_WIDTH = FRAME_WIDTH + 2 ** 24;

/** What bases that keep their attention have in common with every adapter of a stream as wide: no value of either. */
export function attentionCode(width: number): LayerCode {
  return { component: "", layer: -1, role: "q", cols: ATTENTION_WIDTH + width, code: new Uint8Array(CODE_BYTES) };
}

/** What a registry finds a model by: its own codes, and that of adapters, which no model is sought by. */
export function registeredCodes(fingerprint: Fingerprint): LayerCode[] {
  const { attention } = fingerprint;
  return [...layerCodes(fingerprint), ...(attention === undefined ? [] : [attentionCode(attention.width)])];
}

/** Bits that a lane of a code uses: all codes of one width use as many. */
export function laneBits(cols: number): number {
  if (cols === CONTENT_WIDTH) return LANE_SIZES[0];
  return LANE_SIZES.find((size) => size <= cols) ?? cols;
}

/** A file of norms and biases alone is recognised by this, if by anything; null where nothing was sampled. */
function contentCode({ roots, sketches, tensors }: Fingerprint): Uint8Array | null {
  const sampled = sketches.length > 0 || tensors.some(({ values }) => values !== null);
  return sampled ? Uint8Array.from(Buffer.from(roots.sampled, "hex")) : null;
}

/**
 * Sign bits in lanes, 2 of 128 bits for most matrices, 4 of 64 or 8 of 32 for narrow ones. Each is of one row only, for a row
 * may have its sign turned at no cost to the network: distances count a lane's bits or their complement, whichever is
 * nearer. Lane l is of row l modulo the number of rows, at a fixed pseudo-random subset of columns, another one for every
 * turn; of fewer than 32 columns all. A lane that no usable row fills gets coins seeded by the model: zeros would agree
 * between strangers.
 */
export function sketchCode(sketch: MatrixSketch, root: string): Uint8Array | null {
  const { cols, valid } = sketch;
  const bits = laneBits(cols);
  const lanes = laneCount(bits);
  const rows = codeRows(sketch, lanes);
  if (cols < LEAST_COLS || !rows.some((row) => valid[row])) return null;
  const turns = Math.min(Math.ceil(lanes / rows.length), Math.floor(cols / bits));
  const columns = subset(cols, turns * bits, "weightmark code columns");
  const code = new DataView(new ArrayBuffer(CODE_BYTES));
  for (let lane = 0; lane < lanes; lane++) {
    const row = rows[lane % rows.length]!;
    const turn = Math.floor(lane / rows.length);
    const words =
      valid[row] && turn < turns
        ? signsAt(sketch, row, columns.subarray(turn * bits, (turn + 1) * bits))
        : coins(bits, `${root}/${sketch.digest.f32}/lane ${lane}`);
    const at = (lane * CODE_BYTES) / lanes;
    words.forEach((word, i) => {
      code.setUint32(at + 4 * i, word, true);
    });
  }
  return new Uint8Array(code.buffer);
}

/**
 * At most as many of the sampled rows as there are lanes, spread over the matrix. Those of tokens are the same ids whatever
 * the size of the vocabulary, as far as it has them.
 */
function codeRows({ sampled, tokens }: MatrixSketch, lanes: number): number[] {
  const height = tokens && sampled.length > TOKEN_IDS ? TOKEN_IDS : sampled.length;
  const rows = Math.min(lanes, height);
  const few = tokens && height < TOKEN_IDS;
  return Array.from({ length: rows }, (_, r) => (few ? r : Math.floor(((r + 0.5) * height) / rows)));
}

function signsAt({ bits, cols }: MatrixSketch, row: number, columns: Uint32Array): Uint32Array {
  const start = row * Math.ceil(cols / 32);
  const words = new Uint32Array(laneWords(columns.length));
  columns.forEach((j, bit) => {
    words[bit >>> 5]! |= ((bits[start + (j >>> 5)]! >>> (j & 31)) & 1) << (bit & 31);
  });
  return words;
}

/** A lane's worth of them. */
function coins(bits: number, seed: string): Uint32Array {
  const random = prng(seed);
  return Uint32Array.from({ length: laneWords(bits) }, () => random.uint32() >>> (bits < 32 ? 32 - bits : 0));
}
