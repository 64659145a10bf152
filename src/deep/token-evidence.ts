import { matmul } from "../kernels/matmul.ts";
import { subset } from "../numerics/prng.ts";
import type { DeepModel } from "./deep-model.ts";
import { commonFrames, type Frame, type Frames } from "./frames.ts";
import { type LabelBlock, type LabelTests, labelTests } from "./label-tests.ts";
import { type OrderTest, orderTest } from "./order-test.ts";
import type { SharedTokens } from "./shared-tokens.ts";
import type { SameRows } from "./stream-turn.ts";
import { spread, takeRows } from "./take.ts";
import { untrainedTokens } from "./untrained.ts";

/** Share of the strongest common directions that is left out where rows of tokens are held against each other. */
export const TOKEN_BULK = 0.75;
/** Tokens that streams are mapped by, that columns are seen from, and that are held against each other. */
const MAX_TOKENS = 4096;
const COLUMN_TOKENS = 512;
const MAX_LABELS = 512;
/** Fewer tokens in common map no stream on another. */
const MIN_TOKENS = 64;
export const MIN_UNTRAINED = 16;
/** Products of dimensions that are held at a time: of two streams 8,192 wide. */
const MAX_PRODUCTS = 1 << 26;

export interface TokenEvidence {
  readonly how: SharedTokens["how"];
  readonly frames: Frames;
  /** Rows of the trained tokens that the streams were mapped by, [tokens x width] of each model as they lie. */
  readonly trained: SameRows;
  /** Rows that the first model, and the second, never trained, as far as that is known; null where they are too few. */
  readonly untrained: readonly [LabelTests | null, LabelTests | null];
  /** Trained tokens that took no part in mapping the streams. No test: they are no labels. */
  readonly heldOut: LabelTests | null;
  /** Dimensions of the streams, matched by what tokens have there; null for very wide ones. */
  readonly columns: OrderTest | null;
}

/**
 * What the token tables of two models say; null where they have too few tokens in common.
 *
 * Tokens that were found by content only map the streams: nothing is asked of them.
 */
export async function tokenEvidence(a: DeepModel, b: DeepModel, shared: SharedTokens): Promise<TokenEvidence | null> {
  const isKnown = shared.how !== "content";
  const never = [
    new Set(isKnown ? await untrainedTokens(a) : []),
    new Set(isKnown ? await untrainedTokens(b) : []),
  ] as const;
  const places = shared.a.map((_, i) => i);
  const isUntrained = [
    (i: number): boolean => never[0].has(shared.a[i]!),
    (i: number): boolean => never[1].has(shared.b[i]!),
  ] as const;
  const trained = spread(
    places.filter((i) => !isUntrained.some((ask) => ask(i))),
    MAX_TOKENS,
  );
  if (trained.length < MIN_TOKENS) return null;
  const read = async (which: readonly number[]): Promise<SameRows> => ({
    a: await a.embedding(which.map((i) => shared.a[i]!)),
    b: await b.embedding(which.map((i) => shared.b[i]!)),
  });
  const rows = await read(trained);
  const widths = { a: a.width, b: b.width };
  const frames = commonFrames(rows.a, rows.b, widths.a, widths.b);
  const testOf = async (ask: (i: number) => boolean): Promise<LabelTests | null> => {
    const which = spread(places.filter(ask), MAX_LABELS);
    return which.length < MIN_UNTRAINED
      ? null
      : labelTests([framed(await read(which), frames.weaker(TOKEN_BULK), widths)]);
  };
  const seen = Math.min(COLUMN_TOKENS, trained.length);
  return {
    how: shared.how,
    frames,
    trained: rows,
    untrained: [await testOf(isUntrained[0]), await testOf(isUntrained[1])],
    heldOut: isKnown ? heldOut(rows, trained.length, widths) : null,
    columns:
      widths.a * widths.b > MAX_PRODUCTS
        ? null
        : orderTest(centredColumns(rows.a, widths.a, seen), centredColumns(rows.b, widths.b, seen), seen),
  };
}

interface Widths {
  readonly a: number;
  readonly b: number;
}

/** Half of the tokens, drawn by a coin, map the streams; the other half is held against each other. */
function heldOut(rows: SameRows, count: number, widths: Widths): LabelTests | null {
  const fit = [...subset(count, count >> 1, "weightmark held-out tokens")];
  const isFit = new Set(fit);
  const rest = Array.from({ length: count }, (_, i) => i).filter((i) => !isFit.has(i));
  const frames = commonFrames(takeRows(rows.a, widths.a, fit), takeRows(rows.b, widths.b, fit), widths.a, widths.b);
  const few = spread(rest, MAX_LABELS);
  const held = { a: takeRows(rows.a, widths.a, few), b: takeRows(rows.b, widths.b, few) };
  return labelTests([framed(held, frames.weaker(TOKEN_BULK), widths)]);
}

function framed(rows: SameRows, frame: Frame, widths: Widths): LabelBlock {
  const through = (side: keyof SameRows): Float32Array =>
    matmul(rows[side], frame[side], {
      rows: rows[side].length / widths[side],
      depth: widths[side],
      columns: frame.width,
    });
  return { width: frame.width, a: through("a"), b: through("b") };
}

/** Columns of the first rows, centred: width x count. */
export function centredColumns(rows: Float32Array, width: number, count: number): Float32Array {
  const out = new Float32Array(width * count);
  for (let j = 0; j < width; j++) {
    let mean = 0;
    for (let i = 0; i < count; i++) mean += rows[i * width + j]! / count;
    for (let i = 0; i < count; i++) out[j * count + i] = rows[i * width + j]! - mean;
  }
  return out;
}
