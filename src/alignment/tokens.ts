import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import { hammingMatrix } from "../kernels/hamming.ts";
import { matmul } from "../kernels/matmul.ts";
import type { RowReader } from "../rows/row-reader.ts";
import { finite, forRows } from "./feature-reader.ts";
import { dequantiseRows, NEURON_DIRECTIONS, packBits, project, signDirections } from "./projection.ts";
import { NEURON_WORDS, type ReferenceTokens } from "./reference.ts";

/** How the suspect's row of every token of the reference was found. */
export type VocabularyMatch = "ids" | "texts" | "rows" | "none";

export interface MatchedTokens {
  readonly how: VocabularyMatch;
  /** Correlation of inner products among token rows, which no change of basis touches. 1 for a copy. */
  readonly agreement: number;
  /** Row of the suspect for every token of the reference, -1 where it was not found. */
  readonly places: Int32Array;
  /** count x width each, row i of one and row i of the other the same token. */
  readonly count: number;
  readonly reference: Float32Array;
  readonly suspect: Float32Array;
}

/** Tokens whose inner products are compared. */
const GRAM_TOKENS = 192;
/** Unrelated models with one tokenizer reach .3 where embeddings were trained: this is only to choose among maps. */
const SAME_TOKENS = 0.4;
/** Bits of 256 in which a row found by itself agrees with its token's at least. */
const ROW_AGREEMENT = 0.75;

/** Finds the tokens of the reference in the suspect: by id, by text, or by the rows themselves where no basis was changed. */
export async function matchTokens(
  reader: RowReader,
  embed: CanonicalTensor,
  known: ReferenceTokens,
  hashes: ReadonlyMap<number, readonly [number, number]> | null,
): Promise<MatchedTokens> {
  const reference = dequantiseRows(known.rows);
  const candidates: readonly (readonly [VocabularyMatch, () => Promise<Int32Array | null>])[] = [
    ["ids", async () => Int32Array.from(known.ids, (id) => (id < embed.rows ? id : -1))],
    ["texts", async () => byText(known, hashes, embed.rows)],
    ["rows", () => byRows(reader, embed, reference, known.rows.cols)],
  ];
  let best: MatchedTokens | null = null;
  for (const [how, find] of candidates) {
    const places = await find();
    if (places === null) continue;
    const matched = await take(reader, embed, { how, places, reference });
    if (best === null || matched.agreement > best.agreement) best = matched;
    if (matched.agreement >= SAME_TOKENS) break;
  }
  return best!.agreement >= SAME_TOKENS ? best! : { ...best!, how: "none" };
}

function byText(
  { hashes: known, ids }: ReferenceTokens,
  hashes: ReadonlyMap<number, readonly [number, number]> | null,
  rows: number,
): Int32Array | null {
  if (known === null || hashes === null) return null;
  const places = new Map<string, number>();
  for (const [id, [low, high]] of hashes) if (id < rows) places.set(`${low},${high}`, id);
  return Int32Array.from(ids, (_, i) => places.get(`${known[2 * i]},${known[2 * i + 1]}`) ?? -1);
}

/** Nearest rows by signs of projections, for a vocabulary in another order under the reference's own basis. */
async function byRows(
  reader: RowReader,
  embed: CanonicalTensor,
  reference: Float32Array,
  width: number,
): Promise<Int32Array | null> {
  const count = reference.length / width;
  const directions = signDirections(NEURON_DIRECTIONS, width, "tokens");
  // Without what all tokens share, which would decide most signs.
  const mean = columnMeans(reference, width);
  const shift = project(mean, 1, directions, width);
  const bits = (values: Float32Array, rows: number): Uint32Array => {
    const projected = project(values, rows, directions, width);
    for (let i = 0; i < projected.length; i++) projected[i]! -= shift[i % NEURON_DIRECTIONS]!;
    const packed = new Uint32Array(rows * NEURON_WORDS);
    packBits(projected, NEURON_DIRECTIONS, packed, { row: 0, firstBit: 0 });
    return packed;
  };
  const known = bits(reference, count);
  const best = new Int32Array(count).fill(-1);
  const distance = new Uint32Array(count).fill(Math.floor((1 - ROW_AGREEMENT) * NEURON_DIRECTIONS) + 1);
  await forRows(reader, embed, (values, first, rows) => {
    const found = hammingMatrix(known, count, bits(values, rows), rows, NEURON_WORDS);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < rows; j++) {
        if (found[i * rows + j]! >= distance[i]!) continue;
        distance[i] = found[i * rows + j]!;
        best[i] = first + j;
      }
    }
  });
  return best;
}

async function take(
  reader: RowReader,
  embed: CanonicalTensor,
  found: { readonly how: VocabularyMatch; readonly places: Int32Array; readonly reference: Float32Array },
): Promise<MatchedTokens> {
  const width = embed.cols;
  const kept = [...found.places.keys()].filter((i) => found.places[i]! >= 0);
  const order = kept.sort((a, b) => found.places[a]! - found.places[b]!);
  const rows = order.map((i) => found.places[i]!);
  const suspect = finite(await reader.rows(embed, rows));
  const reference = new Float32Array(order.length * width);
  order.forEach((i, at) => {
    reference.set(found.reference.subarray(i * width, (i + 1) * width), at * width);
  });
  const count = order.length;
  return {
    how: found.how,
    agreement: gramAgreement(reference, suspect, width),
    places: found.places,
    count,
    reference,
    suspect,
  };
}

/** Correlation of the centred Gram matrices of up to 192 rows, off the diagonal; 0 where nothing varies. */
function gramAgreement(a: Float32Array, b: Float32Array, width: number): number {
  const count = Math.min(GRAM_TOKENS, a.length / width);
  if (count < 8) return 0;
  const [x, y] = [a, b].map((rows) => {
    const step = Math.floor(rows.length / width / count);
    const sample = new Float32Array(count * width);
    for (let i = 0; i < count; i++) sample.set(rows.subarray(i * step * width, (i * step + 1) * width), i * width);
    centreColumns(sample, width);
    return matmul(sample, sample, { rows: count, depth: width, columns: count, transposedB: true });
  }) as [Float32Array, Float32Array];
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      const [p, q] = [x[i * count + j]!, y[i * count + j]!];
      xy += p * q;
      xx += p * p;
      yy += q * q;
    }
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : 0;
}

export function columnMeans(rows: Float32Array, width: number): Float32Array {
  const sums = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) sums[i % width]! += rows[i]!;
  return Float32Array.from(sums, (sum) => (sum * width) / Math.max(rows.length, 1));
}

/** Subtracts every column's mean; in place. */
export function centreColumns(rows: Float32Array, width: number): Float32Array {
  const means = columnMeans(rows, width);
  for (let i = 0; i < rows.length; i++) rows[i]! -= means[i % width]!;
  return rows;
}
