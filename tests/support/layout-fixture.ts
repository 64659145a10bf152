import { readdirSync, readFileSync } from "node:fs";
import type { CanonicalTensor, TensorTable } from "../../src/anatomy/anatomy.ts";
import type { Dtype, TensorInfo } from "../../src/formats/tensor-info.ts";

const ROOT = new URL("../fixtures/layouts/", import.meta.url);

/** A small safetensors file of f16 tensors, read whole; a reader of its own keeps the fixtures independent of ours. */
export interface SmallFile {
  readonly table: TensorTable;
  readonly values: (tensor: string) => Float64Array;
}

export interface LayoutFixture {
  readonly model: SmallFile;
  /** Keys `component.layer.expert.role`, and `folded.` before them. */
  readonly expected: SmallFile;
  readonly config: Readonly<Record<string, unknown>>;
}

export function layoutNames(): readonly string[] {
  return readdirSync(ROOT).sort();
}

export function readLayout(name: string): LayoutFixture {
  const folder = new URL(`${name}/`, ROOT);
  return {
    model: readSmallFile(new URL("model.safetensors", folder)),
    expected: readSmallFile(new URL("expected.safetensors", folder)),
    config: JSON.parse(readFileSync(new URL("config.json", folder), "utf8")),
  };
}

/** The matrix that a view shows, row by row. */
export function elementsOf(view: CanonicalTensor, values: Float64Array): Float64Array {
  const elements = new Float64Array(view.rows * view.cols);
  for (let row = 0; row < view.rows; row++) {
    for (let col = 0; col < view.cols; col++) {
      elements[row * view.cols + col] = values[view.rowOffset(row) + col * view.colStride] as number;
    }
  }
  return elements;
}

function readSmallFile(url: URL): SmallFile {
  const bytes = readFileSync(url);
  const size = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + size).toString("utf8")) as Record<
    string,
    { dtype: Dtype; shape: number[]; data_offsets: [number, number] }
  >;
  const table = new Map<string, TensorInfo>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [begin, end] = entry.data_offsets;
    table.set(name, { name, dtype: entry.dtype, shape: entry.shape, begin: 8 + size + begin, end: 8 + size + end });
  }
  return {
    table,
    values: (tensor) => {
      const info = table.get(tensor);
      if (info?.dtype !== "F16") throw new Error(`${tensor} is not an f16 tensor of ${url}`);
      return Float64Array.from({ length: (info.end - info.begin) / 2 }, (_, i) =>
        half(bytes.readUInt16LE(info.begin + 2 * i)),
      );
    },
  };
}

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
