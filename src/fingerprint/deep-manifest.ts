import { z } from "zod";
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
  type NetworkViews,
  rowCount,
} from "./deep-part.ts";

/** Views of neurons, in the order in which they are stored. */
export const VIEWS = ["gate", "up", "down"] as const;
/** Numbers of a hostile file are bounded before anything is allocated from them. */
const MAX_ROWS = 1 << 17;

const count = (most: number) => z.int().min(0).max(most);
const views = (most: number) =>
  z.strictObject({ gate: count(most).optional(), up: count(most).optional(), down: count(most).optional() });
/** What a deep part is made of, but for its numbers. */
export const deepManifest = z.strictObject({
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
type Manifest = z.infer<typeof deepManifest>;

export function deepManifestOf(part: DeepPart): Manifest {
  const { version, width, vocabulary, layers, frame, heldOut, untrained, columns, networks, code } = part;
  return {
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
      signs: counted(signs, rowCount),
      values: counted(values, ({ height }) => height),
      ...(channels === null ? {} : { channels: channels.height }),
      ...(anchors === null ? {} : { anchors: { rows: rowCount(anchors), width: anchors.width } }),
    })),
    code: Buffer.from(code).toString("hex"),
  };
}

/** Why a manifest is that of no model, beyond what its schema says; null where it may be. */
export function contradiction({ layers, width, columns, networks }: Manifest): string | null {
  let last = -1;
  for (const { layer, neurons, signs, values } of networks) {
    if (layer <= last || layer >= layers) return "a deep part has layers that its model has not";
    last = layer;
    const [rows, heights] = [new Set(Object.values(signs)), new Set(Object.values(values))];
    if (rows.size > 1 || heights.size > 1 || [...rows].some((count) => (count ?? 0) > neurons)) {
      return "views of a deep part have other numbers of neurons";
    }
  }
  return columns && width > MAX_COLUMNS ? "a deep part has more dimensions than are kept" : null;
}

type Counts = Partial<Record<(typeof VIEWS)[number], number>>;

function counted<T>(of: NetworkViews<T>, size: (one: T) => number): Counts {
  return Object.fromEntries(VIEWS.flatMap((view) => (of[view] === null ? [] : [[view, size(of[view])]])));
}
