import { headDirections, QUERY_DIRECTIONS } from "../../alignment/projection.ts";
import { NEURON_WORDS, type QuantisedRows, type ReferenceComponent } from "../../alignment/reference.ts";
import { openFileSource } from "../../bytes/file-source.ts";
import { memorySource } from "../../bytes/memory-source.ts";
import { CHECK, checkOf, isDamaged } from "../../fingerprint/file-check.ts";
import { readSafetensorsHeader } from "../../formats/safetensors/header.ts";
import { serializeSafetensors, type TensorData } from "../../formats/safetensors/writer.ts";
import { SKETCH_VERSION, type Sketch } from "./sketch.ts";
import { type Manifest, malformed, type ROLES, readManifest } from "./sketch-manifest.ts";

/** A sketch of a model of 70B parameters has about 200 MB; what claims to be larger is not read. */
export const MAX_SKETCH_BYTES = 1 << 30;

/** Metadata key that makes a safetensors file a sketch. */
const MARK = "weightmark.sketch";
/** Others than the owner must not read it. */
export const SKETCH_MODE = 0o600;
const PARTS = ["codes", "scales", "gains", "words"] as const;

/** The bytes of a sketch file: same sketch, same bytes. Numbers in four tensors, in the order in which a reader asks. */
export function serializeSketch(sketch: Sketch): Uint8Array {
  const codes: Int8Array[] = [];
  const scales: Float32Array[] = [];
  const gains: Float32Array[] = [];
  const words: Uint32Array[] = [];
  const quantised = (rows: QuantisedRows | null): number | null => {
    if (rows === null) return null;
    codes.push(rows.quanta);
    scales.push(rows.scales);
    return rows.rows;
  };
  const components = sketch.components.map((c): Manifest["components"][number] => {
    gains.push(c.scales.attention, c.scales.feedForward);
    if (c.tokens !== null) {
      words.push(c.tokens.ids);
      if (c.tokens.hashes !== null) words.push(c.tokens.hashes);
      quantised(c.tokens.rows);
    }
    return {
      component: c.component,
      width: c.width,
      tokens:
        c.tokens === null
          ? null
          : { vocabulary: c.tokens.vocabulary, count: c.tokens.ids.length, hashes: c.tokens.hashes !== null },
      layers: c.layers.map((layer) => {
        for (const gain of [layer.gains.attention, layer.gains.feedForward]) if (gain !== null) gains.push(gain);
        const seen = {
          keys: quantised(layer.keys),
          values: quantised(layer.values),
          queries: quantised(layer.queries),
        };
        for (const { bits } of layer.blocks) words.push(bits);
        return {
          layer: layer.layer,
          gains: { attention: layer.gains.attention !== null, feedForward: layer.gains.feedForward !== null },
          matrices: layer.matrices.map((m) => ({ ...m, role: m.role as (typeof ROLES)[number] })),
          ...seen,
          blocks: layer.blocks.map(({ expert, neurons, gated }) => ({ expert, neurons, gated })),
        };
      }),
    };
  });
  const { keyId, release, heads, symmetries } = sketch;
  const manifest: Manifest = {
    version: SKETCH_VERSION,
    keyId,
    release,
    heads: heads === null ? null : { heads: heads.heads, kvHeads: heads.kvHeads, headSize: heads.headSize },
    symmetries: { keys: symmetries.keys === null ? null : { ...symmetries.keys }, doubt: symmetries.doubt },
    components,
  };
  const tensors: TensorData[] = [
    tensor("codes", "I8", 1, codes),
    tensor("scales", "F32", 4, scales),
    tensor("gains", "F32", 4, gains),
    tensor("words", "U32", 4, words),
  ];
  const text = JSON.stringify(manifest);
  const metadata = new Map([
    [MARK, String(SKETCH_VERSION)],
    ["manifest", text],
    [
      CHECK,
      checkOf(
        text,
        tensors.map(({ data }) => data),
      ),
    ],
  ]);
  return serializeSafetensors(tensors, metadata);
}

/** @throws SKETCH_MALFORMED; FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE; what the safetensors reader refuses */
export async function readSketch(path: string): Promise<Sketch> {
  const source = await openFileSource(path, path);
  try {
    if (source.size > MAX_SKETCH_BYTES) throw malformed(path, `${source.size} bytes are too many`);
    return await parseSketch(await source.read(0, source.size), path);
  } finally {
    await source.close();
  }
}

/**
 * Checks every number before it is used: what follows may rely on shapes that fit each other.
 *
 * @throws SKETCH_MALFORMED, or what the safetensors reader refuses
 */
export async function parseSketch(bytes: Uint8Array, location: string): Promise<Sketch> {
  const header = await readSafetensorsHeader(memorySource(bytes, location));
  const version = header.metadata.get(MARK);
  if (version === undefined) throw malformed(location, "it is not a sketch file");
  if (version !== String(SKETCH_VERSION)) {
    throw malformed(location, `its version ${version.slice(0, 20)} is not supported`);
  }
  const text = header.metadata.get("manifest") ?? "";
  const parts = PARTS.map((name) => {
    const info = header.tensors.get(name);
    // A copy, aligned for the typed views.
    return info === undefined ? new Uint8Array(0) : new Uint8Array(bytes.subarray(info.begin, info.end));
  });
  if (isDamaged(header.metadata, text, parts)) throw malformed(location, "it was damaged or altered");
  const manifest = readManifest(text, location);
  const [codes, scales, gains, words] = parts.map((part) => new Cursor(part)) as [Cursor, Cursor, Cursor, Cursor];
  const refuse = (): never => {
    throw malformed(location, "its parts are shorter than it says");
  };
  const floats = (from: Cursor, length: number): Float32Array => {
    const taken = from.take(4 * length) ?? refuse();
    const values = new Float32Array(taken.buffer, taken.byteOffset, length);
    if (!values.every(Number.isFinite)) throw malformed(location, "it holds a number that is not finite");
    return values;
  };
  const integers = (length: number): Uint32Array => {
    const taken = words.take(4 * length) ?? refuse();
    return new Uint32Array(taken.buffer, taken.byteOffset, length);
  };
  const quantised = (rows: number, cols: number): QuantisedRows => {
    const taken = codes.take(rows * cols) ?? refuse();
    return {
      rows,
      cols,
      quanta: new Int8Array(taken.buffer, taken.byteOffset, rows * cols),
      scales: floats(scales, rows),
    };
  };

  const components = manifest.components.map((c): ReferenceComponent => {
    const { width } = c;
    const columnScales = { attention: floats(gains, width), feedForward: floats(gains, width) };
    const tokens =
      c.tokens === null
        ? null
        : {
            vocabulary: c.tokens.vocabulary,
            ids: integers(c.tokens.count),
            hashes: c.tokens.hashes ? integers(2 * c.tokens.count) : null,
            rows: quantised(c.tokens.count, width),
          };
    const columns = headDirections(width, c.component === "language" ? (manifest.heads?.headSize ?? 0) : 0);
    const layers = c.layers.map((layer) => {
      const gain = (there: boolean): Float32Array | null => (there ? floats(gains, width) : null);
      const rowsOf = (rows: number | null, cols: number): QuantisedRows | null =>
        rows === null ? null : quantised(rows, cols);
      return {
        layer: layer.layer,
        gains: { attention: gain(layer.gains.attention), feedForward: gain(layer.gains.feedForward) },
        matrices: layer.matrices,
        keys: rowsOf(layer.keys, columns),
        values: rowsOf(layer.values, columns),
        queries: rowsOf(layer.queries, Math.min(QUERY_DIRECTIONS, columns)),
        blocks: layer.blocks.map((block) => ({ ...block, bits: integers(block.neurons * NEURON_WORDS) })),
      };
    });
    return { component: c.component, width, tokens, scales: columnScales, layers };
  });
  for (const cursor of [codes, scales, gains, words]) {
    if (!cursor.done) throw malformed(location, "its parts are longer than it says");
  }
  const { keyId, release, heads, symmetries } = manifest;
  return { keyId, release, heads, symmetries, components };
}

/** Bytes that are taken from the front. */
class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Null when there are not so many left. */
  take(length: number): Uint8Array | null {
    if (this.#at + length > this.#bytes.length) return null;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

function tensor(
  name: (typeof PARTS)[number],
  dtype: "I8" | "F32" | "U32",
  width: number,
  parts: readonly (Int8Array | Float32Array | Uint32Array)[],
): TensorData {
  const data = new Uint8Array(parts.reduce((total, part) => total + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    data.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return { name, dtype, shape: [data.length / width], data };
}
