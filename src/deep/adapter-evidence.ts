import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { RowReader } from "../rows/row-reader.ts";
import { headSizes, MAX_LAYERS, RUN } from "./adapter-labels.ts";
import { type AdapterLayer, adapterLayers, type Misfit } from "./adapter-layers.ts";
import { type AdapterReaders, type AdapterRows, factorB, streamRows, valueRows } from "./adapter-rows.ts";
import type { AttentionSource } from "./attention-source.ts";
import { halvesOf, type LabelRows, predictedBlock } from "./half-labels.ts";
import { type LabelBlock, type LabelTests, labelTests } from "./label-tests.ts";
import { hasOrder, isSortedBySize } from "./order-test.ts";
import { spread } from "./take.ts";

/** What a LoRA adapter and a base say of each other: tests of each half of the labels, by a map that the other half fits. */
export interface AdapterEvidence {
  /** Channels of values, by B. */
  readonly values: readonly LabelTests[];
  /** Dimensions of the stream, by A. */
  readonly stream: readonly LabelTests[];
  /** Ways in which groups of queries were laid over values, of which the most telling was taken. */
  readonly ways: number;
}

/** Why an adapter says nothing of a base. */
export type AdapterSilence = Misfit | "untrained" | "no-labels" | "not-kept";

/** log10 p, corrected, of two layers of a base that resemble each other, from which one is held for a copy of the other. */
const COPIED = -2;

/**
 * An adapter that never saw its base's weights is made of them: the gradient of B of values is that of the stream through W_o,
 * and A learns in the span of what its module reads, as W_q, W_k and W_v do.
 */
export async function adapterEvidence(
  adapter: Checkpoint,
  base: AttentionSource,
  signal?: AbortSignal,
): Promise<AdapterEvidence | AdapterSilence> {
  const fitting = adapterLayers(adapter.tensors, base.tensors);
  if (typeof fitting === "string") return fitting;
  const known = fitting.filter(({ stack, layer }) => base.has(stack, layer));
  if (known.length === 0) return "not-kept";
  const read = { adapter: new RowReader(adapter, undefined, signal), base };
  const layers: AdapterLayer[] = [];
  for (const layer of spread(known, MAX_LAYERS)) {
    const trained = await trainedOf(layer, read.adapter);
    if (trained !== null) layers.push(trained);
  }
  if (layers.length === 0) return "untrained";
  const ways = await valueTests(layers, read);
  const values = ways.reduce((a, b) => (smallest(b) < smallest(a) ? b : a), ways[0] ?? []);
  const stream = await streamTests(layers, read);
  return values.length + stream.length === 0 ? "no-labels" : { values, stream, ways: Math.max(1, ways.length) };
}

function smallest(tests: readonly LabelTests[]): number {
  return Math.min(0, ...tests.flatMap(({ swapLog10P, fixedLog10P }) => [swapLog10P, fixedLog10P]));
}

/** What of a layer was trained: B begins at zero, and A gets no gradient while it is. Null for nothing. */
async function trainedOf(layer: AdapterLayer, reader: RowReader): Promise<AdapterLayer | null> {
  const changed = [];
  for (const module of layer.changed) {
    const b = await factorB(module, reader);
    if (b.some((x) => x !== 0)) changed.push(module);
  }
  const values = layer.values !== null && changed.includes(layer.values.module) ? layer.values : null;
  return changed.length === 0 ? null : { ...layer, changed, values };
}

/** One axis for all layers: what they say of a dimension stands side by side, and is one piece of evidence. */
async function streamTests(layers: readonly AdapterLayer[], read: AdapterReaders): Promise<readonly LabelTests[]> {
  const found: AdapterRows[] = [];
  for (const layer of layers) {
    const rows = await streamRows(layer, read);
    if (rows !== null) found.push(rows);
  }
  if (found.length === 0) return [];
  const { places } = found[0]!;
  const sides = [sideBySide(found.map(({ features }) => features)), sideBySide(found.map(({ target }) => target))];
  if (sides.some(({ rows, width }) => hasOrder(rows, width)) || areSorted(sides, places)) return [];
  return bothHalves(places.length, places.length, (anchors, tested) => {
    const blocks = found.flatMap(({ features, target }) => predictedBlock(features, target, anchors, tested) ?? []);
    if (blocks.length === 0) return [];
    const [a, b] = (["a", "b"] as const).map((side) =>
      sideBySide(blocks.map((block) => ({ rows: block[side], width: block.width }))),
    );
    return [{ width: a!.width, a: a!.rows, b: b!.rows }];
  });
}

/** By every size that heads may have: layers are blocks, for one may be stored twice. */
async function valueTests(
  layers: readonly AdapterLayer[],
  read: AdapterReaders,
): Promise<readonly (readonly LabelTests[])[]> {
  const grouped = layers.flatMap(({ values }) =>
    values !== null && values.output.cols !== values.channels ? [values.channels] : [],
  );
  const sizes = [...new Set(grouped.flatMap(headSizes))];
  const tests: (readonly LabelTests[])[] = [];
  for (const headSize of grouped.length > 0 ? sizes : [1]) {
    const found: AdapterRows[] = [];
    for (const layer of layers) {
      const rows = await valueRows(layer, headSize, read);
      if (rows !== null && !areSorted([rows.features, rows.target], rows.places)) found.push(rows);
    }
    const count = Math.min(...found.map(({ places }) => places.length));
    const tested = bothHalves(
      count,
      RUN,
      (anchors, rest) =>
        found.flatMap(({ features, target }) => {
          const block = predictedBlock(features, target, anchors, rest);
          return block === null ? [] : [{ ...block, run: RUN / 2 }];
        }),
      areApart(found.map(({ features }) => features)),
    );
    if (tested.length > 0) tests.push(tested);
  }
  return tests;
}

function bothHalves(
  labels: number,
  run: number,
  blocks: (anchors: readonly number[], tested: readonly number[]) => readonly LabelBlock[],
  areBlocksApart = false,
): readonly LabelTests[] {
  if (!Number.isFinite(labels)) return [];
  const [one, other] = halvesOf(labels, run);
  return [blocks(one, other), blocks(other, one)].flatMap((list) => labelTests(list, areBlocksApart) ?? []);
}

/**
 * Whether no two layers of the base resemble each other channel by channel: then each has labels of its own, renumbered by
 * itself. Layers that were copied, one from the other, have the same.
 */
function areApart(layers: readonly LabelRows[]): boolean {
  const tails = layers.flatMap((x, i) =>
    layers.slice(0, i).map((y) => {
      const block = { width: x.width, a: x.rows, b: y.rows, run: RUN };
      const found = x.width === y.width && x.rows.length === y.rows.length ? labelTests([block]) : null;
      return found === null ? Number.NEGATIVE_INFINITY : Math.min(found.swapLog10P, found.fixedLog10P);
    }),
  );
  return Math.min(0, ...tails) + Math.log10(2 * Math.max(1, tails.length)) > COPIED;
}

function areSorted(sides: readonly LabelRows[], places: readonly number[]): boolean {
  return sides.every(({ rows, width }) => isSortedBySize(rows, width, places));
}

function sideBySide(parts: readonly LabelRows[]): LabelRows {
  const width = parts.reduce((sum, part) => sum + part.width, 0);
  const labels = parts[0]!.rows.length / parts[0]!.width;
  const rows = new Float32Array(labels * width);
  let at = 0;
  for (const part of parts) {
    for (let i = 0; i < labels; i++) rows.set(part.rows.subarray(i * part.width, (i + 1) * part.width), i * width + at);
    at += part.width;
  }
  return { rows, width };
}
