import type { BlockParts } from "../alignment/parts.ts";
import { subset } from "../numerics/prng.ts";
import { anchorBlock, anchorRows } from "./anchors.ts";
import type { DeepModel } from "./deep-model.ts";
import { type LabelBlock, type LabelTests, labelTests } from "./label-tests.ts";
import { type LayerPair, networkSize } from "./layer-pairs.ts";
import type { MatchedSlice } from "./matched-slices.ts";
import { networkPairs } from "./network-pairs.ts";
import { bestOrder, isSortedBySize, type OrderTest, orderTest } from "./order-test.ts";
import { seenSlices } from "./seen-slices.ts";
import { BULK, type LayerStrength, layerStrength } from "./strength.ts";
import { takeRows } from "./take.ts";
import type { TokenEvidence } from "./token-evidence.ts";
import { firstNeurons, neuronViews } from "./views.ts";

/** Neurons of a layer that are tested. */
const MAX_LABELS = 512;

export interface NeuronEvidence {
  /** Neurons of layers of equal size, in the directions that both streams have. */
  readonly neurons: LabelTests | null;
  /** The same without any common directions: seen from neurons of their own layer. */
  readonly anchors: LabelTests | null;
  /** The layer whose neurons best keep their order, its p corrected for all layers. */
  readonly order: OrderTest | null;
  readonly strength: readonly LayerStrength[];
  /** Found when they are asked for, which few pairs of models are; read from the weights, where these are at hand. */
  readonly slices: () => Promise<readonly MatchedSlice[]>;
}

/** What the feed-forward networks of two models say. `tokens` is null where the streams have too few in common. */
export async function neuronEvidence(
  a: DeepModel,
  b: DeepModel,
  pairs: readonly LayerPair[],
  tokens: Pick<TokenEvidence, "frames" | "trained"> | null,
): Promise<NeuronEvidence> {
  const [whole, weak] = [tokens?.frames.weaker(0) ?? null, tokens?.frames.weaker(BULK) ?? null];
  const inFrame: LabelBlock[] = [];
  const fromAnchors: LabelBlock[] = [];
  const orders: OrderTest[] = [];
  const strength: LayerStrength[] = [];
  const networks = await networkPairs(a, b, pairs, weak);
  for (const [x, y] of networks) {
    const equal = networkSize(x) === networkSize(y);
    const anchored = equal ? await anchorsOf(a, x, b, y) : null;
    if (anchored !== null) fromAnchors.push(anchored);
    if (whole === null || weak === null) continue;
    const [seenA, seenB] = [await neuronViews(a, x, whole.a), await neuronViews(b, y, whole.b)];
    if (seenA === null || seenB === null) continue;
    const [opensA, opensB] = [(seenA.gate ?? seenA.up)!, (seenB.gate ?? seenB.up)!];
    const { width } = seenA;
    if (!(isSortedBySize(opensA, width) && isSortedBySize(opensB, width))) {
      const labels = [...subset(seenA.neurons, Math.min(seenA.neurons, MAX_LABELS), "weightmark labels")];
      if (equal) inFrame.push({ width, a: takeRows(opensA, width, labels), b: takeRows(opensB, width, labels) });
      orders.push(orderTest(opensA, opensB.subarray(0, MAX_LABELS * width), width));
    }
    const [weakA, weakB] = [await neuronViews(a, x, weak.a), await neuronViews(b, y, weak.b)];
    const found = weakA === null || weakB === null ? null : layerStrength(weakA, firstNeurons(weakB));
    if (found !== null) strength.push(found);
  }
  return {
    neurons: labelTests(inFrame),
    anchors: labelTests(fromAnchors),
    order: bestOrder(orders),
    strength,
    slices: async () => (tokens === null ? [] : seenSlices(a, b, networks, tokens)),
  };
}

async function anchorsOf(a: DeepModel, x: BlockParts, b: DeepModel, y: BlockParts): Promise<LabelBlock | null> {
  const [first, second] = [x.gate ?? x.up, y.gate ?? y.up];
  const wanted = first === null ? null : anchorRows(first.rows);
  if (first === null || second === null || wanted === null) return null;
  const rows = [await a.readers(first, wanted), await b.readers(second, wanted)] as const;
  if (isSortedBySize(rows[0], a.width, wanted) && isSortedBySize(rows[1], b.width, wanted)) return null;
  return anchorBlock(rows[0], rows[1], a.width, b.width);
}
