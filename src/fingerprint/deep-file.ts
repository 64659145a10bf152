import { parseManifest } from "../formats/manifest.ts";
import type { SafetensorsHeader } from "../formats/safetensors/header.ts";
import type { TensorData } from "../formats/safetensors/writer.ts";
import { contradiction, deepManifest, deepManifestOf, VIEWS } from "./deep-manifest.ts";
import {
  DEEP_VERSION,
  type DeepPart,
  type NetworkPart,
  type NetworkViews,
  type SignRows,
  type TokenList,
} from "./deep-part.ts";
import { checkOf } from "./file-check.ts";
import { bytesOf, concat, floats } from "./number-bytes.ts";
import { Cursor, hasStrayBits, words32 } from "./number-cursor.ts";
import { SLICE_BLOCK, type Slice } from "./slice.ts";

/** Metadata keys: what the parts below are, and what tells damage. */
const DEEP = "deep";
const DEEP_CHECK = "deep.check";
/** Tensors of the deep part, in the order in which they are checked. */
const DEEP_PARTS = ["deep.words", "deep.scale", "deep.q"] as const;

/** 127 times as much is far from where numbers end. */
const MAX_SCALE = 1e30;

/** Metadata and tensors of a deep part. */
export function serializeDeepPart(part: DeepPart): { metadata: [string, string][]; tensors: TensorData[] } {
  const { networks } = part;
  const slices = networks.flatMap(({ values, channels }) => [
    ...VIEWS.flatMap((view) => values[view] ?? []),
    ...(channels === null ? [] : [channels]),
  ]);
  const text = JSON.stringify(deepManifestOf(part));
  const [words, scale, q] = [
    concat(wordsOf(part).map(bytesOf)),
    concat(slices.map((slice) => bytesOf(slice.scale))),
    concat(slices.map((slice) => bytesOf(slice.q))),
  ];
  const tensors: TensorData[] = [
    { name: DEEP_PARTS[0], dtype: "U8", shape: [words.length], data: words },
    { name: DEEP_PARTS[1], dtype: "F32", shape: [scale.length / 4], data: scale },
    { name: DEEP_PARTS[2], dtype: "I8", shape: [q.length], data: q },
  ];
  return {
    metadata: [
      [DEEP, text],
      [DEEP_CHECK, checkOf(text, [words, scale, q])],
    ],
    tensors,
  };
}

/**
 * The deep part of a fingerprint file. Null where there is none, or one of another version: that was taken by other rules, can
 * be taken again, and says nothing of the rest.
 *
 * @param refuse makes the error that is thrown for a part that cannot be used
 */
export function readDeepPart(
  { metadata, tensors }: Pick<SafetensorsHeader, "metadata" | "tensors">,
  bytes: Uint8Array,
  refuse: (why: string, cause?: unknown) => Error,
): DeepPart | null {
  const text = metadata.get(DEEP);
  if (text === undefined) {
    const isRest = metadata.has(DEEP_CHECK) || DEEP_PARTS.some((name) => tensors.has(name));
    if (isRest) throw refuse("it was damaged or altered");
    return null;
  }
  const stored = DEEP_PARTS.map((name) => {
    const info = tensors.get(name);
    return info === undefined ? new Uint8Array(0) : new Uint8Array(bytes.subarray(info.begin, info.end));
  });
  if (metadata.get(DEEP_CHECK) !== checkOf(text, stored)) throw refuse("it was damaged or altered");
  return text.startsWith(`{"version":${DEEP_VERSION},`) ? parseDeepPart(text, stored, refuse) : null;
}

/** Every number is checked before it is used. `stored` are the bytes of `DEEP_PARTS`, each at an address of its own. */
function parseDeepPart(
  text: string,
  stored: readonly Uint8Array[],
  refuse: (why: string, cause?: unknown) => Error,
): DeepPart {
  const manifest = parseManifest(deepManifest, text, refuse);
  const why = contradiction(manifest);
  if (why !== null) throw refuse(why);
  const { size, networks } = manifest;
  const [words, scales, values] = [
    new Cursor(words32(stored[0]!)),
    new Cursor(floats(stored[1]!)),
    new Cursor(new Int8Array(stored[2]!.buffer, stored[2]!.byteOffset, stored[2]!.byteLength)),
  ];
  if (!floats(stored[1]!).every((scale) => Math.abs(scale) <= MAX_SCALE)) {
    throw refuse("a deep slice has a scale that no weights have");
  }
  const list = (length: number, texts: boolean): TokenList => {
    const ids = words.take(length);
    if (ids.some((id) => id >= manifest.vocabulary)) throw refuse("a deep part names tokens that its model has not");
    return { ids, texts: texts ? words.take(2 * length) : null };
  };
  const signs = (rows: number, width: number): SignRows => {
    const taken = { width, words: words.take(rows * Math.ceil(width / 32)) };
    if (hasStrayBits(taken)) throw refuse("a deep part has signs of what lies beyond its rows");
    return taken;
  };
  const slice = (height: number): Slice => ({
    sketch: 0,
    firstRow: 0,
    height,
    width: size,
    q: values.take(height * size),
    scale: scales.take(height * Math.ceil(size / SLICE_BLOCK)),
    gain: null,
  });
  const part: DeepPart = {
    version: manifest.version,
    width: manifest.width,
    vocabulary: manifest.vocabulary,
    layers: manifest.layers,
    frame: list(2 * size, manifest.texts),
    heldOut: signs(size, size),
    untrained: {
      ...list(manifest.untrained.count, manifest.untrained.texts),
      signs: signs(manifest.untrained.count, size),
    },
    columns: manifest.columns ? signs(manifest.width, 2 * size) : null,
    networks: networks.map((one): NetworkPart => {
      const { layer, neurons, sorted, anchors } = one;
      return {
        layer,
        neurons,
        sorted,
        signs: viewed(one.signs, (rows) => signs(rows, size)),
        values: viewed(one.values, slice),
        channels: one.channels === undefined ? null : slice(one.channels),
        anchors: anchors === undefined ? null : signs(anchors.rows, anchors.width),
      };
    }),
    code: Uint8Array.from(Buffer.from(manifest.code, "hex")),
  };
  const tokens = [...part.frame.ids, ...part.untrained.ids];
  if (new Set(tokens).size < tokens.length) throw refuse("a deep part names a token twice");
  if (![words, scales, values].every((cursor) => cursor.isAtEnd)) throw refuse("a deep part has the wrong size");
  return part;
}

function wordsOf({ frame, heldOut, untrained, columns, networks }: DeepPart): Uint32Array[] {
  const list = ({ ids, texts }: TokenList): Uint32Array[] => (texts === null ? [ids] : [ids, texts]);
  return [
    ...list(frame),
    heldOut.words,
    ...list(untrained),
    untrained.signs.words,
    ...(columns === null ? [] : [columns.words]),
    ...networks.flatMap(({ signs, anchors }) => [
      ...VIEWS.flatMap((view) => signs[view]?.words ?? []),
      ...(anchors === null ? [] : [anchors.words]),
    ]),
  ];
}

function viewed<T>(
  counts: { readonly [view in (typeof VIEWS)[number]]?: number | undefined },
  of: (size: number) => T,
): NetworkViews<T> {
  const [gate, up, down] = VIEWS.map((view) => (counts[view] === undefined ? null : of(counts[view])));
  return { gate: gate!, up: up!, down: down! };
}
