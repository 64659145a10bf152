import { rowCount, type SignRows } from "./deep-part.ts";

/** Version of the rules by which attention parts are taken: those of another version are passed over. */
export const ATTENTION_VERSION = 1;
/** Layers that are kept, and matrices of one that read the stream: q, k and v, or the three in one. */
export const MAX_ATTENTION_LAYERS = 8;
export const MAX_READERS = 4;
/** Streams wider than any. */
export const MAX_STREAM = 1 << 20;
/** Numbers that are kept of what a layer's attention writes, and of all that it reads by. */
export const KEPT_OUTPUT = 3 << 16;
export const KEPT_READERS = 3 << 15;

/** Rows of numbers in two bits each: which are negative, and which are large beside the others of their row. */
export interface CoarseRows {
  readonly negative: SignRows;
  readonly large: SignRows;
}

/** Attention of one layer of a model, as LoRA adapters show it. */
export interface AttentionLayer {
  readonly layer: number;
  /** Some rows of what reads the stream, at some dimensions of it: q, k and v, or the three in one. */
  readonly readers: readonly CoarseRows[];
  /** Some rows of W_o, at some of its columns, or at all where several heads of queries share values; null where it has none. */
  readonly output: CoarseRows | null;
}

/**
 * What adapters alone are tested by of a model whose weights are not at hand: two bits of some numbers around attention, of a
 * few layers of one stack. At most 0.6 MB.
 */
export interface AttentionPart {
  readonly version: number;
  /** The stack of layers, by its path: see `CanonicalTensor.stack`. */
  readonly stack: string;
  /** Of its stream. */
  readonly width: number;
  readonly layers: readonly AttentionLayer[];
}

/** Where rows are split: two bits keep most of a normal number so (Max 1960). In squares, of a row's mean square. */
const LARGE = 0.9816 ** 2;
/** The numbers that stand for both halves, in units of a row's size. */
const SIZES = [0.4528, 1.51] as const;

/** Two bits of every number: rows of `width`, each by its own size. */
export function coarseRows(rows: Float32Array, width: number): CoarseRows {
  const words = Math.ceil(width / 32);
  const count = rows.length / width;
  const [negative, large] = [new Uint32Array(count * words), new Uint32Array(count * words)];
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * width, (i + 1) * width);
    const least = (LARGE * row.reduce((sum, x) => sum + x * x, 0)) / width;
    for (let j = 0; j < width; j++) {
      const bit = 1 << (j & 31);
      if (row[j]! < 0) negative[i * words + (j >>> 5)]! |= bit;
      if (row[j]! ** 2 > least) large[i * words + (j >>> 5)]! |= bit;
    }
  }
  return { negative: { width, words: negative }, large: { width, words: large } };
}

/** The numbers that the bits stand for, rows x width. */
export function coarseValues({ negative, large }: CoarseRows): Float32Array {
  const { width } = negative;
  const words = Math.ceil(width / 32);
  const out = new Float32Array(rowCount(negative) * width);
  for (let i = 0; i < out.length; i++) {
    const [row, j] = [Math.floor(i / width), i % width];
    const at = row * words + (j >>> 5);
    const size = SIZES[(large.words[at]! >>> (j & 31)) & 1]!;
    out[i] = ((negative.words[at]! >>> (j & 31)) & 1) === 1 ? -size : size;
  }
  return out;
}
