import { z } from "zod";
import { parseManifest } from "../formats/manifest.ts";
import type { TensorData } from "../formats/safetensors/writer.ts";
import {
  BLOCK_NEURONS,
  DEEP_CODE_BYTES,
  DEEP_VERSION,
  type DeepPart,
  FRAME_STEP,
  KEPT_CHANNELS,
  KEPT_NEURONS,
  LEAST_FRAME,
  MAX_COLUMNS,
  MAX_FRAME,
  MAX_NETWORKS,
  MAX_UNTRAINED,
  MAX_WIDTH,
  type NetworkPart,
  type NetworkViews,
  type SignRows,
  type TokenList,
} from "./deep-part.ts";
import { checkOf } from "./file-check.ts";
import { SLICE_BLOCK, type Slice } from "./slice.ts";

/** Metadata keys: what the parts below are, and what tells damage. */
export const DEEP = "deep";
export const DEEP_CHECK = "deep.check";
/** Tensors of the deep part, in the order in which they are checked. */
export const DEEP_PARTS = ["deep.words", "deep.scale", "deep.q"] as const;

const VIEWS = ["gate", "up", "down"] as const;
/** Numbers of a hostile file are bounded before anything is allocated from them. */
const MAX_ROWS = 1 << 17;
/** 127 times as much is far from where numbers end. */
const MAX_SCALE = 1e30;

const count = (most: number) => z.int().min(0).max(most);
const views = (most: number) =>
  z.strictObject({ gate: count(most).optional(), up: count(most).optional(), down: count(most).optional() });
const schema = z.strictObject({
  version: z.literal(DEEP_VERSION),
  width: z.int().min(1).max(MAX_WIDTH),
  vocabulary: count(2 ** 31),
  layers: count(1 << 16),
  /** Tokens of the frame. */
  size: z.int().min(LEAST_FRAME).max(MAX_FRAME).multipleOf(FRAME_STEP),
  texts: z.boolean(),
  untrained: z.strictObject({ count: count(MAX_UNTRAINED), texts: z.boolean() }),
  columns: z.boolean(),
  networks: z
    .array(
      z.strictObject({
        layer: count(1 << 16),
        neurons: count(MAX_ROWS),
        sorted: z.boolean(),
        signs: views(KEPT_NEURONS),
        values: views(BLOCK_NEURONS),
        channels: z.int().min(4).max(KEPT_CHANNELS).multipleOf(4).optional(),
        anchors: z.strictObject({ rows: count(BLOCK_NEURONS), width: z.int().min(1).max(BLOCK_NEURONS) }).optional(),
      }),
    )
    .max(MAX_NETWORKS),
  code: z.string().regex(new RegExp(`^[0-9a-f]{${2 * DEEP_CODE_BYTES}}$`)),
});
type Manifest = z.infer<typeof schema>;

/** Metadata and tensors of a deep part. */
export function serializeDeepPart(part: DeepPart): { metadata: [string, string][]; tensors: TensorData[] } {
  const { version, width, vocabulary, layers, frame, heldOut, untrained, columns, networks, code } = part;
  const manifest: Manifest = {
    version: version as typeof DEEP_VERSION,
    width,
    vocabulary,
    layers,
    size: heldOut.width,
    texts: frame.texts !== null,
    untrained: { count: untrained.ids.length, texts: untrained.texts !== null },
    columns: columns !== null,
    networks: networks.map(({ layer, neurons, sorted, signs, values, channels, anchors }) => ({
      layer,
      neurons,
      sorted,
      signs: counted(signs, rowsOf),
      values: counted(values, ({ height }) => height),
      ...(channels === null ? {} : { channels: channels.height }),
      ...(anchors === null ? {} : { anchors: { rows: rowsOf(anchors), width: anchors.width } }),
    })),
    code: Buffer.from(code).toString("hex"),
  };
  const slices = networks.flatMap(({ values, channels }) => [
    ...VIEWS.flatMap((view) => values[view] ?? []),
    ...(channels === null ? [] : [channels]),
  ]);
  const text = JSON.stringify(manifest);
  const [words, scale, q] = [
    joined(wordsOf(part).map(bytesOf)),
    joined(slices.map((slice) => bytesOf(slice.scale))),
    joined(slices.map((slice) => bytesOf(slice.q))),
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

/** Whether a part is of this version: of another one it was taken by other rules, and can be taken again. */
export function isDeepPart(text: string): boolean {
  return text.startsWith(`{"version":${DEEP_VERSION},`);
}

/**
 * Reads a deep part; every number of it is checked before it is used.
 *
 * @param stored the bytes of `DEEP_PARTS`, each at an address of its own
 * @param refuse makes the error that is thrown for a part that cannot be used
 */
export function parseDeepPart(
  text: string,
  stored: readonly Uint8Array[],
  refuse: (why: string, cause?: unknown) => Error,
): DeepPart {
  const manifest = parseManifest(schema, text, refuse);
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
  let last = -1;
  for (const { layer, neurons, signs: views, values: blocks } of networks) {
    if (layer <= last || layer >= manifest.layers) throw refuse("a deep part has layers that its model has not");
    last = layer;
    const [rows, heights] = [new Set(Object.values(views)), new Set(Object.values(blocks))];
    if (rows.size > 1 || heights.size > 1 || [...rows].some((count) => (count ?? 0) > neurons)) {
      throw refuse("views of a deep part have other numbers of neurons");
    }
  }
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
  if (part.columns !== null && part.width > MAX_COLUMNS) throw refuse("a deep part has more dimensions than are kept");
  if (![words, scales, values].every((cursor) => cursor.isAtEnd)) throw refuse("a deep part has the wrong size");
  return part;
}

/** Takes runs of numbers one after the other; of what is not there it takes less, and is at no end. */
class Cursor<T extends Uint32Array | Float32Array | Int8Array> {
  #at = 0;
  readonly #numbers: T;

  constructor(numbers: T) {
    this.#numbers = numbers;
  }

  take(length: number): T {
    const from = this.#at;
    this.#at += length;
    return this.#numbers.subarray(from, this.#at) as T;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#numbers.length;
  }
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

/** Bits behind the last of a row, which would count as signs. */
function hasStrayBits({ width, words }: SignRows): boolean {
  const used = width % 32;
  const length = Math.ceil(width / 32);
  if (used === 0) return false;
  for (let at = length - 1; at < words.length; at += length) if (words[at]! >>> used !== 0) return true;
  return false;
}

type Counts = Partial<Record<(typeof VIEWS)[number], number>>;

function counted<T>(of: NetworkViews<T>, size: (one: T) => number): Counts {
  return Object.fromEntries(VIEWS.flatMap((view) => (of[view] === null ? [] : [[view, size(of[view])]])));
}

function viewed<T>(counts: { [view in keyof Counts]: number | undefined }, of: (size: number) => T): NetworkViews<T> {
  const [gate, up, down] = VIEWS.map((view) => (counts[view] === undefined ? null : of(counts[view])));
  return { gate: gate!, up: up!, down: down! };
}

function rowsOf({ width, words }: SignRows): number {
  return words.length / Math.ceil(width / 32);
}

function words32(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
}

function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
}

function bytesOf(view: Uint32Array | Int8Array | Float32Array): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
