import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import { log10FoursTail } from "../numerics/fixed-points.ts";
import { exchangeSum, log10RademacherTail } from "../numerics/rademacher.ts";
import { type ChannelFours, channelFours } from "./channel-fours.ts";
import type { DeepModel } from "./deep-model.ts";
import type { Frame } from "./frames.ts";
import { exchangesOf, type LabelTests } from "./label-tests.ts";
import type { LayerPair } from "./layer-pairs.ts";
import { rowLengths } from "./nearest.ts";
import { seenRows } from "./views.ts";

/** Exact tests of the channels that attention's values have, fours of them in one of 24 orders. */
export interface ChannelTests extends LabelTests {
  /** Channels of the first model that were sought, and those that are the nearest of their own nearest, over layers. */
  readonly sought: number;
  readonly nearest: number;
  /** Of these: at one place in both models, or at one place within fours that belong together. */
  readonly inPlace: number;
  readonly inFours: number;
}

/** Channels of one model that are sought among all of the other's. */
const MAX_SOUGHT = 512;
/** More channels than any layer has: a file must not decide how much memory is used. */
const MAX_CHANNELS = 1 << 14;

/**
 * Value channels of layers that belong together. Layers may be one layer stored several times, in both models: exchanges of one
 * place are summed over layers before they count as a coin, and of what is left in place the best layer counts, times their
 * number. Within a layer fours have orders of their own.
 */
export async function channelEvidence(
  a: DeepModel,
  b: DeepModel,
  pairs: readonly LayerPair[],
  whole: Frame,
): Promise<ChannelTests | null> {
  const layers: ChannelFours[] = [];
  for (const [x, y] of pairs) {
    const rowsA = await valueRows(a, x.attention.get("v"), whole.a, MAX_SOUGHT);
    const rowsB = await valueRows(b, y.attention.get("v"), whole.b, MAX_CHANNELS);
    if (rowsA === null || rowsB === null) continue;
    const found = unsortedFours(rowsA, rowsB, whole.width);
    if (found !== null) layers.push(found);
  }
  return channelTests(layers);
}

/** Null also where the channels of both stand in order of size. */
export function unsortedFours(a: Float32Array, b: Float32Array, width: number): ChannelFours | null {
  return isSortedInPairs(a, width) && isSortedInPairs(b, width) ? null : channelFours(a, b, width);
}

/** Layers together; null where none was tested. */
export function channelTests(layers: readonly ChannelFours[]): ChannelTests | null {
  const sum = (of: (layer: ChannelFours) => number): number => layers.reduce((total, one) => total + of(one), 0);
  const labels = 4 * sum(({ fours }) => fours);
  if (labels === 0) return null;
  const { z: swapZ, pairs: coins } = exchangeSum(exchangesOf(layers)) ?? { z: 0, pairs: 0 };
  const best = Math.min(...layers.map(({ fours, fixed }) => log10FoursTail(fours, fixed)));
  const excess = sum((one) => one.excess) / labels;
  return {
    labels,
    r: Math.sign(excess) * Math.sqrt(Math.abs(excess)),
    pairs: coins,
    swapZ,
    swapLog10P: log10RademacherTail(swapZ),
    matched: labels,
    fixed: sum((one) => one.fixed),
    fixedLog10P: Math.min(0, best + Math.log10(layers.length)),
    sought: sum((one) => one.labels),
    nearest: sum((one) => one.nearest),
    inPlace: sum((one) => one.inPlace),
    inFours: sum((one) => one.inFours),
  };
}

/** The first channels, whole fours of them, in a frame's coordinates. */
export async function valueRows(
  model: DeepModel,
  values: CanonicalTensor | undefined,
  map: Float32Array,
  most: number,
): Promise<Float32Array | null> {
  if (values === undefined || values.rows < 4 || values.rows > MAX_CHANNELS) return null;
  const count = 4 * Math.floor(Math.min(values.rows, most) / 4);
  return seenRows(
    model,
    values,
    map,
    Array.from({ length: count }, (_, i) => i),
  );
}

/**
 * Whether of neighbours (2 k, 2 k + 1) nearly always the same one is longer, three standard errors beyond a fair coin: heads that
 * were brought into the order of their singular values have no order by chance.
 */
function isSortedInPairs(rows: Float32Array, width: number): boolean {
  const lengths = rowLengths(rows, width);
  const pairs = lengths.length >> 1;
  let balance = 0;
  for (let k = 0; k < pairs; k++) balance += Math.sign(lengths[2 * k]! - lengths[2 * k + 1]!);
  return Math.abs(balance) > 3 * Math.sqrt(pairs);
}
