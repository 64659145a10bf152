import { type DeepPart, type NetworkPart, rowCount, type SignRows, type TokenList } from "../fingerprint/deep-part.ts";
import { sliceValues } from "../fingerprint/slice.ts";
import { subset } from "../numerics/prng.ts";
import { channelTests, unsortedFours } from "./channel-evidence.ts";
import type { ChannelFours } from "./channel-fours.ts";
import type { DeepEvidence } from "./deep-evidence.ts";
import { type LabelTests, labelTests } from "./label-tests.ts";
import { matchedSlices } from "./matched-slices.ts";
import { bestOrder, type OrderTest, orderOf } from "./order-test.ts";
import { type SideRows, sideRows } from "./paired-rows.ts";
import { nearestSigns, type SignDistances, signDistances } from "./sign-distances.ts";
import { firstRows, signedRows } from "./sign-rows.ts";
import { type LayerStrength, strengthOfSigns } from "./strength.ts";
import { unitRows } from "./take.ts";
import { MIN_UNTRAINED } from "./token-evidence.ts";

/** Neurons of a layer that are tested, or looked for among all of the other's. */
const MAX_LABELS = 512;

/** What two stored parts say; null where they do not see their streams from the same tokens. */
export function partEvidence(a: DeepPart, b: DeepPart): DeepEvidence | null {
  if (!isSameList(a.frame, b.frame)) return null;
  const pairs = a.networks.flatMap((x, i) => (b.networks[i] === undefined ? [] : [[x, b.networks[i]] as const]));
  const found = pairs.map(([x, y]) => neuronEvidence(x, y));
  return {
    widths: [a.width, b.width],
    tokens: {
      how: "ids",
      untrained: [untrainedTests(a, b), null],
      heldOut: testOf([[a.heldOut, b.heldOut]]),
      columns: orderOfSigns(sought(a.columns, b.columns)),
    },
    channels: channelTests(pairs.flatMap(([x, y]) => foursOf(x, y) ?? [])),
    neurons: testOf(pairs.flatMap(([x, y]) => labelled(x, y))),
    anchors: testOf(
      pairs.flatMap(([x, y]) =>
        x.anchors === null || y.anchors === null || (x.sorted && y.sorted) ? [] : [[x.anchors, y.anchors] as const],
      ),
    ),
    order: bestOrder(found.flatMap(({ order }) => order ?? [])),
    strength: found.flatMap(({ strength }) => strength ?? []),
    slices: async () =>
      matchedSlices(
        pairs.flatMap(([x, y]) => sidesOf(x, y)),
        null,
      ),
  };
}

/** By text or by id: a frame of other tokens costs what is found, never a verdict. */
function isSameList(a: TokenList, b: TokenList): boolean {
  const same = (x: Uint32Array, y: Uint32Array): boolean =>
    x.length === y.length && x.every((word, i) => word === y[i]);
  return same(a.ids, b.ids) || (a.texts !== null && b.texts !== null && same(a.texts, b.texts));
}

/** Tokens that both have among those which the one, or the other, never saw. */
function untrainedTests(a: DeepPart, b: DeepPart): LabelTests | null {
  const places = new Map([...b.untrained.ids].map((id, i) => [id, i]));
  const both = [...a.untrained.ids].flatMap((id, i) => (places.has(id) ? [[i, places.get(id)!] as const] : []));
  if (both.length < MIN_UNTRAINED) return null;
  const { width } = a.untrained.signs;
  const [own, other] = [both.map(([i]) => i), both.map(([, j]) => j)];
  return labelTests([{ width, a: signedRows(a.untrained.signs, own), b: signedRows(b.untrained.signs, other) }]);
}

type Labelled = readonly [SignRows, SignRows];

function testOf(blocks: readonly Labelled[]): LabelTests | null {
  return labelTests(
    blocks
      .filter(([a, b]) => a.width === b.width)
      .map(([a, b]) => {
        const count = Math.min(rowCount(a), rowCount(b));
        const wanted = [...subset(count, Math.min(count, MAX_LABELS), "weightmark labels")];
        return { width: a.width, a: signedRows(a, wanted), b: signedRows(b, wanted) };
      }),
  );
}

function opens({ signs }: NetworkPart): SignRows | null {
  return signs.gate ?? signs.up;
}

/** The neurons of two layers of one size, which labels can be tested of. */
function labelled(x: NetworkPart, y: NetworkPart): readonly Labelled[] {
  const [a, b] = [opens(x), opens(y)];
  return x.neurons !== y.neurons || (x.sorted && y.sorted) || a === null || b === null ? [] : [[a, b]];
}

/** The side of which more is known against the first rows of the other, which are looked for there. */
function sought(a: SignRows | null, b: SignRows | null): SignDistances | null {
  if (a === null || b === null || a.width !== b.width) return null;
  const [all, some] = rowCount(a) < rowCount(b) ? [b, a] : [a, b];
  return signDistances(all, firstRows(some, MAX_LABELS));
}

function orderOfSigns(distances: SignDistances | null): OrderTest | null {
  return distances && orderOf(nearestSigns(distances, "either"), Math.min(distances.n, distances.m));
}

/** Strength and order of the neurons of two layers: of the millions of distances that both are of, found once. */
function neuronEvidence(
  x: NetworkPart,
  y: NetworkPart,
): { readonly strength: LayerStrength | null; readonly order: OrderTest | null } {
  const views = neuronDistances(x, y);
  const order = x.sorted && y.sorted ? null : orderOfSigns(views.gate ?? views.up);
  return { strength: strengthOfSigns(views), order };
}

/** Strength of the neurons of two layers. */
export function partStrength(x: NetworkPart, y: NetworkPart): LayerStrength | null {
  return strengthOfSigns(neuronDistances(x, y));
}

/** Distances of the neurons of two layers by what each role sees of them. */
function neuronDistances(x: NetworkPart, y: NetworkPart) {
  const of = (role: "gate" | "up" | "down") => sought(x.signs[role], y.signs[role]);
  return { gate: of("gate"), up: of("up"), down: of("down") };
}

function foursOf({ channels: a }: NetworkPart, { channels: b }: NetworkPart): ChannelFours | null {
  if (a === null || b === null || a.width !== b.width) return null;
  return unsortedFours(sliceValues(a, false), sliceValues(b, false), a.width);
}

/**
 * Of neurons that were numbered otherwise the first ones of both are the same by chance: as many as that can be asked. Where rows
 * are known by how long they are in the stream, they are made so long again: tokens that drifted see them in another scale.
 */
function sidesOf(x: NetworkPart, y: NetworkPart): readonly SideRows[] {
  const measurable = x.lengths !== undefined && y.lengths !== undefined;
  const views = ({ values, lengths }: NetworkPart) => {
    const { gate, up } = values;
    const of = (role: "gate" | "up" | "down"): Float32Array | null => {
      const [slice, known] = [values[role], measurable ? lengths?.[role] : null];
      if (slice === null) return null;
      const rows = sliceValues(slice, false);
      return known ? ofLengths(rows, slice.width, known) : rows;
    };
    return {
      neurons: (gate ?? up)?.height ?? 0,
      width: (gate ?? up)?.width ?? 0,
      gate: of("gate"),
      up: of("up"),
      down: of("down"),
    };
  };
  const [a, b] = [views(x), views(y)];
  const common = (a.neurons * b.neurons) / Math.max(x.neurons, y.neurons, 1);
  return a.width === b.width && a.width > 0 ? sideRows({ a, b, common, measurable }) : [];
}

/** Rows as long as is given for each of them. */
function ofLengths(rows: Float32Array, width: number, lengths: Float32Array): Float32Array {
  return unitRows(rows, width).map((x, at) => x * lengths[Math.floor(at / width)]!);
}
