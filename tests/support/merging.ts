import { mergedModel } from "../../src/checkpoint/adapter/merged-model.ts";
import type { Checkpoint, OpenedCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { decodeToF32 } from "../../src/kernels/decode.ts";
import { prng } from "../../src/numerics/prng.ts";
import { announcedOnly } from "./decoders.ts";
import type { Model, ModelTensor } from "./random-model.ts";
import { checkpointOf } from "./stored-model.ts";

/** A tensor of normal numbers, the same for one seed. */
export function drawn(shape: readonly number[], seed: string, dtype: ModelTensor["dtype"] = "F32"): ModelTensor {
  const random = prng(seed);
  const count = shape.reduce((product, side) => product * side, 1);
  return { shape, dtype, values: Float32Array.from({ length: count }, () => random.normal()) };
}

export function modelOf(tensors: Readonly<Record<string, ModelTensor>>): Model {
  return new Map(Object.entries(tensors));
}

export interface Merging {
  /** As JSON, or as it is; none where left out. */
  readonly config?: object | string | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Whether both lie where only what was announced can be read. */
  readonly far?: boolean;
}

/** Both in memory, merged. */
export async function mergedOf(
  adapter: Model,
  base: Model,
  { config, metadata, far }: Merging = {},
): Promise<Checkpoint> {
  const text = typeof config === "object" ? JSON.stringify(config) : config;
  const beside = async (name: string) =>
    name === "adapter_config.json" && text !== undefined ? new TextEncoder().encode(text) : null;
  const [a, b] = [await checkpointOf(adapter), await checkpointOf(base)];
  const header = metadata === undefined ? null : new Map(Object.entries(metadata));
  return mergedModel(open({ ...a, metadata: header, readBeside: beside }, far), open(b, far));
}

function open(checkpoint: Checkpoint, far = false): OpenedCheckpoint {
  const files = far
    ? checkpoint.files.map((file) => ({ ...file, source: announcedOnly(file.source) }))
    : checkpoint.files;
  return { ...checkpoint, files, async [Symbol.asyncDispose]() {} };
}

/** Elements [first, first + count) of a tensor, all of them where none are named. */
export async function valuesOf(
  { tensors, files }: Checkpoint,
  name: string,
  first = 0,
  count?: number,
): Promise<Float32Array> {
  const { file, begin, end, dtype, shape } = tensors.get(name)!;
  const elements = shape.reduce((product, side) => product * side, 1);
  const width = (end - begin) / elements;
  const range = { start: begin + first * width, end: begin + (first + (count ?? elements - first)) * width };
  const { source } = files[file]!;
  if ("prefetch" in source) await (source as ReturnType<typeof announcedOnly>).prefetch([range]);
  return decodeToF32(await source.read(range.start, range.end), dtype);
}

/** [n, r] times [r, m], by the definition. */
export function product(a: ModelTensor, b: ModelTensor): number[][] {
  const [rows, rank] = a.shape as [number, number];
  const cols = b.shape[1]!;
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: cols }, (_, j) => {
      let sum = 0;
      for (let k = 0; k < rank; k++) sum += a.values[i * rank + k]! * b.values[k * cols + j]!;
      return sum;
    }),
  );
}
