import { z } from "zod";
import { parseManifest } from "../formats/manifest.ts";
import type { SafetensorsHeader } from "../formats/safetensors/header.ts";
import type { TensorData } from "../formats/safetensors/writer.ts";
import {
  ATTENTION_VERSION,
  type AttentionPart,
  type CoarseRows,
  KEPT_OUTPUT,
  MAX_ATTENTION_LAYERS,
  MAX_READERS,
  MAX_STREAM,
} from "./attention-part.ts";
import { rowCount, type SignRows } from "./deep-part.ts";
import { checkOf } from "./file-check.ts";
import { bytesOf, concat } from "./number-bytes.ts";
import { Cursor, hasStrayBits, words32 } from "./number-cursor.ts";

/** Metadata keys: what the tensor below is, and what tells damage. */
const ATTENTION = "attention";
const ATTENTION_CHECK = "attention.check";
const ATTENTION_WORDS = "attention.words";

/** Numbers of a hostile file are bounded before anything is allocated from them. */
const geometry = z
  .strictObject({ rows: z.int().min(1).max(KEPT_OUTPUT), width: z.int().min(1).max(KEPT_OUTPUT) })
  .refine(({ rows, width }) => rows * width <= KEPT_OUTPUT);
const attentionManifest = z.strictObject({
  version: z.literal(ATTENTION_VERSION),
  stack: z.string().max(100),
  width: z.int().min(1).max(MAX_STREAM),
  layers: z
    .array(
      z.strictObject({
        layer: z
          .int()
          .min(0)
          .max(1 << 16),
        readers: z.array(geometry).max(MAX_READERS),
        output: geometry.optional(),
      }),
    )
    .min(1)
    .max(MAX_ATTENTION_LAYERS),
});
type Manifest = z.infer<typeof attentionManifest>;

/** Metadata and tensor of an attention part. */
export function serializeAttentionPart({ version, stack, width, layers }: AttentionPart): {
  metadata: [string, string][];
  tensors: TensorData[];
} {
  const manifest: Manifest = {
    version: version as typeof ATTENTION_VERSION,
    stack,
    width,
    layers: layers.map(({ layer, readers, output }) => ({
      layer,
      readers: readers.map(geometryOf),
      ...(output === null ? {} : { output: geometryOf(output) }),
    })),
  };
  const text = JSON.stringify(manifest);
  const rows = layers.flatMap(({ readers, output }) => [...readers, ...(output === null ? [] : [output])]);
  const words = concat(rows.flatMap(({ negative, large }) => [bytesOf(negative.words), bytesOf(large.words)]));
  return {
    metadata: [
      [ATTENTION, text],
      [ATTENTION_CHECK, checkOf(text, [words])],
    ],
    tensors: [{ name: ATTENTION_WORDS, dtype: "U8", shape: [words.length], data: words }],
  };
}

/**
 * The attention part of a fingerprint file. Null where there is none, or one of another version, which can be taken again and
 * says nothing of the rest.
 *
 * @param refuse makes the error that is thrown for a part that cannot be used
 */
export function readAttentionPart(
  { metadata, tensors }: Pick<SafetensorsHeader, "metadata" | "tensors">,
  bytes: Uint8Array,
  refuse: (why: string, cause?: unknown) => Error,
): AttentionPart | null {
  const text = metadata.get(ATTENTION);
  const info = tensors.get(ATTENTION_WORDS);
  if (text === undefined) {
    if (metadata.has(ATTENTION_CHECK) || info !== undefined) throw refuse("it was damaged or altered");
    return null;
  }
  const stored = info === undefined ? new Uint8Array(0) : new Uint8Array(bytes.subarray(info.begin, info.end));
  if (metadata.get(ATTENTION_CHECK) !== checkOf(text, [stored])) throw refuse("it was damaged or altered");
  if (!text.startsWith(`{"version":${ATTENTION_VERSION},`)) return null;
  const { version, stack, width, layers } = parseManifest(attentionManifest, text, refuse);
  if (layers.some(({ layer }, i) => i > 0 && layer <= layers[i - 1]!.layer)) {
    throw refuse("layers of an attention part are not in order");
  }
  const words = new Cursor(words32(stored));
  const bits = ({ rows, width }: z.infer<typeof geometry>): SignRows => {
    const taken = { width, words: words.take(rows * Math.ceil(width / 32)) };
    if (hasStrayBits(taken)) throw refuse("an attention part has bits of what lies beyond its rows");
    return taken;
  };
  const coarse = (of: z.infer<typeof geometry>): CoarseRows => ({ negative: bits(of), large: bits(of) });
  const part: AttentionPart = {
    version,
    stack,
    width,
    layers: layers.map(({ layer, readers, output }) => ({
      layer,
      readers: readers.map(coarse),
      output: output === undefined ? null : coarse(output),
    })),
  };
  if (!words.isAtEnd) throw refuse("an attention part has the wrong size");
  return part;
}

function geometryOf({ negative }: CoarseRows): z.infer<typeof geometry> {
  return { rows: rowCount(negative), width: negative.width };
}
