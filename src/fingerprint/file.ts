import { z } from "zod";
import { ADAPTER_KINDS } from "../anatomy/adapter.ts";
import { memorySource } from "../bytes/memory-source.ts";
import { MAX_BASE_NAME } from "../checkpoint/adapter-config.ts";
import { WeightmarkError } from "../errors.ts";
import { parseManifest } from "../formats/manifest.ts";
import { readSafetensorsHeader } from "../formats/safetensors/header.ts";
import { serializeSafetensors, type TensorData } from "../formats/safetensors/writer.ts";
import { DTYPE_BITS, type Dtype } from "../formats/tensor-info.ts";
import { readAttentionPart, serializeAttentionPart } from "./attention-file.ts";
import { readDeepPart, serializeDeepPart } from "./deep-file.ts";
import { CHECK, checkOf, isDamaged } from "./file-check.ts";
import { FINGERPRINT_VERSION, type Fingerprint, type MatrixSketch, type Slice } from "./fingerprint.ts";
import { bytesOf, concat, floats } from "./number-bytes.ts";
import { MAX_COLS, MAX_SKETCHES, SLICE_HEIGHT, SLICE_WIDTH, sampledRows, sliceWidth } from "./sampling.ts";
import { SLICE_BLOCK } from "./slice.ts";

/** No fingerprint of any model comes near; a file that says it is one is read whole only below this. */
export const MAX_FINGERPRINT_BYTES = 200_000_000;

/** Metadata key that makes a safetensors file a fingerprint. */
const MARK = "weightmark.fingerprint";
/** Tensors of a fingerprint file, in the order in which they are checked. */
const PARTS = ["sketch.bits", "sketch.moments", "slice.q", "slice.scale", "slice.gain"] as const;
const MOMENT_COLUMNS = 23;
/** Numbers of a hostile file are bounded before anything is allocated from them. */
const MAX_DIMENSION = 2 ** 31;
const MAX_SLICES = 512;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const count = z.int().min(0);
const valueDigest = z.strictObject({ f32: hex(16), f16: hex(16).optional(), bf16: hex(16).optional() });
const place = {
  component: z.string().max(100),
  layer: z.int().min(-1),
  expert: z.int().min(-1),
  role: z.string().max(20),
  rows: count.max(MAX_DIMENSION),
  cols: count.max(MAX_COLS),
  axis: z.enum(["residual", "neurons", "channels"]).optional(),
  block: z.int().min(1).max(MAX_COLS).optional(),
  given: z.literal(true).optional(),
  twin: z.literal(true).optional(),
};
const manifestSchema = z.strictObject({
  version: z.literal(FINGERPRINT_VERSION),
  depth: z.enum(["sampled", "full"]),
  family: z.string().max(100),
  confidence: z.number().min(0).max(1),
  parameters: count,
  dtypes: z.record(z.string(), count),
  roots: z.strictObject({ content: hex(32).nullable(), sampled: hex(32), stored: hex(32) }),
  coverage: z.strictObject({ sketched: count, worth: count, matrices: count, digested: count, tensors: count }),
  adapter: z
    .strictObject({
      kind: z.enum(ADAPTER_KINDS),
      tensors: count,
      ofTensors: count,
      base: z.string().max(MAX_BASE_NAME).nullable(),
    })
    .nullable(),
  bytesRead: count,
  bytesTotal: count,
  notes: z.array(z.string()),
  tensors: z.array(
    z.strictObject({
      name: z.string(),
      dtype: z.enum(Object.keys(DTYPE_BITS) as [Dtype, ...Dtype[]]),
      shape: z.array(count),
      content: hex(32).optional(),
      values: valueDigest.optional(),
      component: z.string().max(100).optional(),
      uniform: z.literal(true).optional(),
      moments: z
        .strictObject({
          count,
          rms: z.number().nullable(),
          kurtosis: z.number().nullable(),
          absMax: z.number().nullable(),
          zeroFraction: z.number(),
          nonFinite: count,
        })
        .optional(),
    }),
  ),
  sketches: z
    .array(
      z.strictObject({
        ...place,
        tokens: z.literal(true).optional(),
        digest: valueDigest,
        unusable: z.array(count).optional(),
        grid: z.string().max(60).optional(),
      }),
    )
    .max(MAX_SKETCHES),
  slices: z
    .array(
      z.strictObject({
        sketch: count,
        gain: z.boolean(),
        firstRow: count,
        height: count.max(SLICE_HEIGHT),
        width: count.max(SLICE_WIDTH),
      }),
    )
    .max(MAX_SLICES),
});
type Manifest = z.infer<typeof manifestSchema>;
type StoredDigest = z.infer<typeof valueDigest>;

/** Whether a safetensors file is a fingerprint. One whose mark is damaged is none to be read, but no model either. */
export function isFingerprintHeader(header: {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, unknown>;
}): boolean {
  return header.metadata.has(MARK) || PARTS.every((name) => header.tensors.has(name));
}

/**
 * The bytes of a fingerprint file: same fingerprint, same bytes, no matter who made the object. A registry names a fingerprint by
 * the digest of its bytes, so one that was read from a file must be written as the one that was just taken.
 */
export function serializeFingerprint(fp: Fingerprint): Uint8Array {
  const { sketches, slices, tensors, deep, attention, ...rest } = fp;
  const manifest: Manifest = {
    ...rest,
    version: FINGERPRINT_VERSION,
    notes: [...fp.notes],
    dtypes: { ...fp.dtypes },
    roots: { ...fp.roots },
    coverage: { ...fp.coverage },
    adapter: fp.adapter === null ? null : adapterOf(fp.adapter),
    tensors: tensors.map((t) => ({
      name: t.name,
      dtype: t.dtype,
      shape: [...t.shape],
      ...(t.content === null ? {} : { content: t.content }),
      ...(t.values === null ? {} : { values: packDigest(t.values) }),
      ...(t.component === null ? {} : { component: t.component }),
      ...(t.uniform ? { uniform: true as const } : {}),
      ...(t.moments === null ? {} : { moments: { ...t.moments } }),
    })),
    sketches: sketches.map((s) => {
      const unusable = s.valid.flatMap((ok, i) => (ok ? [] : [i]));
      const grid = s.moments.grid === null ? {} : { grid: s.moments.grid };
      const tokens = s.tokens ? { tokens: true as const } : {};
      return {
        ...placeOf(s),
        ...(s.axis === null ? {} : { axis: s.axis }),
        ...(s.block === s.cols ? {} : { block: s.block }),
        ...(s.given ? { given: true as const } : {}),
        ...(s.twin ? { twin: true as const } : {}),
        ...tokens,
        digest: packDigest(s.digest),
        ...grid,
        ...(unusable.length > 0 ? { unusable } : {}),
      };
    }),
    slices: slices.map((s) => ({
      sketch: s.sketch,
      gain: s.gain !== null,
      firstRow: s.firstRow,
      height: s.height,
      width: s.width,
    })),
  };
  const moments = new Float32Array(sketches.length * MOMENT_COLUMNS);
  sketches.forEach((s, i) => {
    moments.set(
      [
        s.moments.rms,
        s.moments.kurtosis,
        s.moments.zeroFraction,
        s.moments.rowNormSpread,
        s.moments.columnOrder,
        s.moments.distinct,
        ...s.moments.quantiles,
      ],
      i * MOMENT_COLUMNS,
    );
  });
  const text = JSON.stringify(manifest);
  const bits = concat(sketches.map((s) => bytesOf(s.bits)));
  const q = concat(slices.map((s) => bytesOf(s.q)));
  const scale = concat(slices.map((s) => bytesOf(s.scale)));
  const gain = concat(slices.map((s) => (s.gain === null ? new Uint8Array(0) : bytesOf(s.gain))));
  const [bitPart, momentPart, qPart, scalePart, gainPart] = PARTS;
  const parts: TensorData[] = [
    { name: bitPart, dtype: "U8", shape: [bits.length], data: bits },
    { name: momentPart, dtype: "F32", shape: [sketches.length, MOMENT_COLUMNS], data: bytesOf(moments) },
    { name: qPart, dtype: "I8", shape: [q.length], data: q },
    { name: scalePart, dtype: "F32", shape: [scale.length / 4], data: scale },
    { name: gainPart, dtype: "F32", shape: [gain.length / 4], data: gain },
  ];
  const more = [
    ...(deep === undefined ? [] : [serializeDeepPart(deep)]),
    ...(attention === undefined ? [] : [serializeAttentionPart(attention)]),
  ];
  return serializeSafetensors(
    [...parts, ...more.flatMap((part) => part.tensors)],
    new Map([
      [MARK, String(FINGERPRINT_VERSION)],
      ["manifest", text],
      [
        CHECK,
        checkOf(
          text,
          parts.map(({ data }) => data),
        ),
      ],
      ...more.flatMap(({ metadata }) => metadata),
    ]),
  );
}

/**
 * Reads a fingerprint file and checks every number in it before it is used.
 *
 * @throws WeightmarkError FINGERPRINT_MALFORMED, FINGERPRINT_VERSION, or what the safetensors reader refuses.
 */
export async function parseFingerprint(bytes: Uint8Array, location: string): Promise<Fingerprint> {
  const header = await readSafetensorsHeader(memorySource(bytes, location));
  const version = header.metadata.get(MARK);
  if (version === undefined) throw malformed(location, "it is not a fingerprint file");
  if (version !== String(FINGERPRINT_VERSION)) {
    throw new WeightmarkError("FINGERPRINT_VERSION", `fingerprint version ${version.slice(0, 20)} is not supported`, {
      file: location,
      detail: `Make the fingerprint again with this release (version ${FINGERPRINT_VERSION}).`,
    });
  }
  const text = header.metadata.get("manifest") ?? "";
  const stored = PARTS.map((name) => {
    const info = header.tensors.get(name);
    return info === undefined ? new Uint8Array(0) : bytes.subarray(info.begin, info.end);
  });
  if (isDamaged(header.metadata, text, stored)) throw malformed(location, "it was damaged or altered");
  const manifest = parseManifest(manifestSchema, text, (why, cause) => malformed(location, why, cause));
  const part = (name: (typeof PARTS)[number], length: number): Uint8Array => {
    const info = header.tensors.get(name);
    if (!info || info.end - info.begin !== length) throw malformed(location, `part ${name} has the wrong size`);
    // A copy, aligned for the typed views below; `slice` of a Node Buffer would share memory.
    return new Uint8Array(bytes.subarray(info.begin, info.end));
  };

  const geometry = manifest.sketches.map((s) => {
    if (s.rows < 1 || s.cols < 1) throw malformed(location, "a sketch is empty");
    const sampled = sampledRows({ ...s, tokens: s.tokens ?? false });
    return { sampled, words: Math.ceil(s.cols / 32) };
  });
  const bits = part("sketch.bits", 4 * geometry.reduce((n, g) => n + g.sampled.length * g.words, 0));
  const moments = floats(part("sketch.moments", 4 * MOMENT_COLUMNS * manifest.sketches.length));
  for (const s of manifest.slices) {
    const matrix = manifest.sketches[s.sketch];
    if (!matrix || s.height < 1 || s.firstRow + s.height > matrix.rows || s.width !== sliceWidth(matrix.cols)) {
      throw malformed(location, "a slice does not fit its matrix");
    }
  }
  const q = part(
    "slice.q",
    manifest.slices.reduce((n, s) => n + s.height * s.width, 0),
  );
  const scales = manifest.slices.map((s) => s.height * Math.ceil(s.width / SLICE_BLOCK));
  const scale = floats(part("slice.scale", 4 * scales.reduce((a, b) => a + b, 0)));

  const gain = floats(part("slice.gain", 4 * manifest.slices.reduce((n, s) => n + (s.gain ? s.width : 0), 0)));
  if (![scale, gain].every((values) => values.every(Number.isFinite))) {
    throw malformed(location, "a slice has a scale that is not finite");
  }

  let bit = 0;
  const sketches = manifest.sketches.map((s, i): MatrixSketch => {
    const { sampled, words } = geometry[i]!;
    const length = 4 * sampled.length * words;
    const row = moments.subarray(i * MOMENT_COLUMNS, (i + 1) * MOMENT_COLUMNS);
    const unusable = new Set(s.unusable ?? []);
    const sketch: MatrixSketch = {
      ...(placeOf(s) as MatrixSketch),
      axis: s.axis ?? null,
      block: s.block ?? s.cols,
      given: s.given ?? false,
      twin: s.twin ?? false,
      tokens: s.tokens ?? false,
      sampled,
      valid: sampled.map((_, r) => !unusable.has(r)),
      bits: new Uint32Array(bits.slice(bit, bit + length).buffer),
      digest: unpackDigest(s.digest),
      moments: {
        rms: row[0]!,
        kurtosis: row[1]!,
        zeroFraction: row[2]!,
        grid: s.grid ?? null,
        rowNormSpread: row[3]!,
        columnOrder: row[4]!,
        distinct: row[5]!,
        quantiles: row.slice(6),
      },
    };
    bit += length;
    return sketch;
  });
  let at = 0;
  let scaleAt = 0;
  let gainAt = 0;
  const slices = manifest.slices.map((s, i): Slice => {
    const slice: Slice = {
      sketch: s.sketch,
      firstRow: s.firstRow,
      height: s.height,
      width: s.width,
      q: new Int8Array(q.buffer, q.byteOffset + at, s.height * s.width),
      scale: scale.subarray(scaleAt, scaleAt + scales[i]!),
      gain: s.gain ? gain.subarray(gainAt, gainAt + s.width) : null,
    };
    gainAt += s.gain ? s.width : 0;
    at += s.height * s.width;
    scaleAt += scales[i]!;
    return slice;
  });
  const refuse = (why: string, cause?: unknown) => malformed(location, why, cause);
  const [deep, attention] = [readDeepPart(header, bytes, refuse), readAttentionPart(header, bytes, refuse)];
  return {
    ...manifest,
    ...(deep === null ? {} : { deep }),
    ...(attention === null ? {} : { attention }),
    tensors: manifest.tensors.map((t) => ({
      ...t,
      content: t.content ?? null,
      moments: t.moments ?? null,
      values: t.values === undefined ? null : unpackDigest(t.values),
      component: t.component ?? null,
      uniform: t.uniform ?? false,
    })),
    sketches,
    slices,
  };
}

function malformed(location: string, why: string, cause?: unknown): WeightmarkError {
  return new WeightmarkError("FINGERPRINT_MALFORMED", `this fingerprint cannot be used: ${why}`, {
    file: location,
    cause,
  });
}

/** The fields in the order in which they have always been written. */
function adapterOf({ tensors, kind, ofTensors, base }: NonNullable<Fingerprint["adapter"]>) {
  return { tensors, kind, ofTensors, base };
}

type Place = Pick<MatrixSketch, "component" | "layer" | "expert" | "rows" | "cols"> & { readonly role: string };

function placeOf(p: Place): Place {
  const { component, layer, expert, role, rows, cols } = p;
  return { component, layer, expert, role, rows, cols };
}

/** Rounded images that equal the values themselves are left out. */
function packDigest(d: MatrixSketch["digest"]): StoredDigest {
  return {
    f32: d.f32,
    ...(d.f16 === d.f32 ? {} : { f16: d.f16 }),
    ...(d.bf16 === d.f32 ? {} : { bf16: d.bf16 }),
  };
}

function unpackDigest(d: StoredDigest): MatrixSketch["digest"] {
  return { f32: d.f32, f16: d.f16 ?? d.f32, bf16: d.bf16 ?? d.f32 };
}
